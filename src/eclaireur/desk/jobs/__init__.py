"""Tasks: long work that a user starts, leaves and finds again, and that survives a killed process."""

from eclaireur.desk.jobs.kinds import job
from eclaireur.desk.jobs.queue import cancel, start

__all__ = ["cancel", "job", "start"]
