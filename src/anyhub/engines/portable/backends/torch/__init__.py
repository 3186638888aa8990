"""What `keras.ops` lacks, on torch."""
