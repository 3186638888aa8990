"""What `keras.ops` lacks, on tensorflow."""
