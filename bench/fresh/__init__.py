"""The parts of `fresh_install.py`."""
