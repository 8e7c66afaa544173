"""Drug effects: self-controlled case series, lagged curves, and disproportionality of reports."""
