"""The sealed journal's lines and the keys of its subjects, in the desk's database."""

from __future__ import annotations

from django.db import models

__all__ = ["JournalKey", "JournalLine"]


class JournalLine(models.Model):
    """One line of the journal, as `core.journal` writes it. Only ever added."""

    seq = models.BigIntegerField(primary_key=True)
    line = models.TextField()


class JournalKey(models.Model):
    """The wrapped key of one subject. ``lookup`` is a keyed hash: no subject stands in clear."""

    lookup = models.CharField(max_length=64, unique=True)
    reference = models.CharField(max_length=32, unique=True)
    wrapped = models.CharField(max_length=120)
