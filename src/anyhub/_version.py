"""The version of anyhub."""

__version__ = "0.1.0"
