"""The API's addresses, one module for each kind of thing."""
