"""Brings the tables up to date, a step at a time, each whole or absent with the mark that it was done.

Django writes that mark after the transaction of a step when the step creates an index or a key at its end: an
upgrade killed between the two would create the same tables again at the next start, and fail for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["upgrade"]


def upgrade() -> None:
    """Apply the migrations that are not applied yet; killed at any instant, the next call finishes it."""
    from django.core.management import call_command

    with _whole_steps():
        call_command("migrate", interactive=False, verbosity=0)


@contextmanager
def _whole_steps() -> Iterator[None]:
    """Have the command apply each migration, and record it, in one transaction."""
    from django.core.management.commands import migrate
    from django.db import transaction
    from django.db.migrations.executor import MigrationExecutor

    class Whole(MigrationExecutor):
        """Records a migration in its own transaction."""

        def apply_migration(self, state: Any, migration: Any, *args: Any, **more: Any) -> Any:
            if not migration.atomic:
                return super().apply_migration(state, migration, *args, **more)
            # SQLite changes a table by making another: its keys are checked at the end, and this is said
            # before a transaction or not at all.
            off = self.connection.vendor == "sqlite" and self.connection.disable_constraint_checking()
            try:
                with transaction.atomic(using=self.connection.alias):
                    return super().apply_migration(state, migration, *args, **more)
            finally:
                if off:
                    self.connection.enable_constraint_checking()

    setattr(migrate, "MigrationExecutor", Whole)  # noqa: B010 (the command has no other door)
    try:
        yield
    finally:
        setattr(migrate, "MigrationExecutor", MigrationExecutor)  # noqa: B010
