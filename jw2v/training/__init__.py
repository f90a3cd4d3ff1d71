"""Training: options, state, the pure step, and the loop that jits it."""
