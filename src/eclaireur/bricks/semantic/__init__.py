"""Texts: normalised with offsets, grouped when nearly alike, compared, searched for references."""
