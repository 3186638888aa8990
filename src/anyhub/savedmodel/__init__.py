"""The SavedModel format: what lies where in a model's directory."""

from anyhub.savedmodel.layout import ModelFormat, ModelLayout, find_model_root, read_layout

__all__ = ["ModelFormat", "ModelLayout", "find_model_root", "read_layout"]
