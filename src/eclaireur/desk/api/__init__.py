"""The desk's API: what pages show and do, for programs, under ``/api/v1/``."""
