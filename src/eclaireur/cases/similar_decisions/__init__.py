"""Serial and similar court decisions."""
