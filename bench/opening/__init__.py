"""What `opening.py` is made of."""
