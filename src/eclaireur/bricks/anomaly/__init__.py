"""What is out of the ordinary: rows of a table and changes in a series, with how surprising and why."""
