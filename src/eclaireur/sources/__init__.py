"""Raw bytes become snapshots, then typed tables."""
