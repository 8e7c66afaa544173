"""Migrations of the desk's rows."""
