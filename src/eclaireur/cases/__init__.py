"""One folder per use case, found by its card."""
