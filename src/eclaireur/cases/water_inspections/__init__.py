"""Water inspections: where and when a limit is likely to be exceeded, and what becomes of a bad control."""
