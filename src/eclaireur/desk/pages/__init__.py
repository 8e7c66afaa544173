"""The pages of the desk, a module for each of its rooms."""
