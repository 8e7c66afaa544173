"""Methods that cases compose."""
