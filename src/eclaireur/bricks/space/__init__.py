"""Where people go, where to settle, and how many to expect: catchment, covering, expected counts."""
