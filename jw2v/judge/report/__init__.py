"""The verdicts as a page."""
