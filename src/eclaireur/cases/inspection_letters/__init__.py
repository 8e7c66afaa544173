"""Sentences of inspection letters, by topic."""
