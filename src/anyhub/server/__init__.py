"""A read-only hub over a directory tree, by the hosting protocol of TensorFlow Hub."""
