"""The map: all words as points on a page that a browser opens."""
