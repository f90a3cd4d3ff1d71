"""Edits of traced functions: mutants of right ones, repairs of wrong ones."""
