"""The graphs of a model: what they compute, and passes over them."""
