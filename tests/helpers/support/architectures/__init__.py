"""Architectures with random weights, to compare engines on.

`python -m support.architectures.export` saves one with TensorFlow and what TensorFlow computes of
it; `python -m support.architectures.compare` tells how far another engine is from that.
"""
