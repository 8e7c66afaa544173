"""Reasons in words, from exact contributions."""
