"""Faces for people who come from elsewhere: gensim's names, and those of CS224n's assignment."""
