"""Values and error bounds of traced functions, followed in NumPy."""
