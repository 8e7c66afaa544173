"""Éclaireur: helps public agents see where to look; the agent decides."""

__version__ = "0.1.0"
