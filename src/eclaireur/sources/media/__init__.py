"""Reads what is no table: images, maps and sounds, each with what was put right and what is doubtful."""
