"""KerasLayer: a loaded model as a layer of Keras 3 or Keras 2."""
