"""What `keras.ops` lacks, on jax."""
