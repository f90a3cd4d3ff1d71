"""The kernels: losses over blocks of text, and the way from rows to whole tables."""
