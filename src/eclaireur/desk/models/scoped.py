"""Rows that belong to a perimeter, and the one manager through which they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from eclaireur.desk.access import Reach

__all__ = ["Scoped", "ScopedQuerySet"]


class ScopedQuerySet(models.QuerySet[Any]):
    """Rows of a perimeter."""

    def within(self, reach: Reach) -> Self:
        """Keep the rows that a person may see: the filter of `access.Reach`, nothing else."""
        return self.filter(reach.rows())


class Scoped(models.Model):
    """A row with the three columns of a perimeter: case, territory and service."""

    case = models.CharField(max_length=80)
    area = models.CharField(max_length=120, blank=True, default="")
    service = models.CharField(max_length=120, blank=True, default="")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True
