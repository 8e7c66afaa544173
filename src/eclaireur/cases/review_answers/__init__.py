"""Drafted answers to the experiences that users of public services publish."""
