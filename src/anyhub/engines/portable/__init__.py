"""The portable engine: TensorFlow's graphs on any backend of Keras, without TensorFlow."""
