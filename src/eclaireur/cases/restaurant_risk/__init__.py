"""Ranks food establishments by their risk of a bad inspection."""
