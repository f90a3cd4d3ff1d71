"""What is wrong with a line that was refuted."""
