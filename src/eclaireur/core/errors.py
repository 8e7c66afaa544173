"""Errors that a user can act on.

Every message is one or two French sentences: what is wrong, where, what was expected, what to do.

EclaireurError
├── InputError (ValueError)          the user's file or option is wrong: exit code 2, HTTP 4xx
│   ├── FileRefusedError             the file cannot be read at all
│   ├── MissingColumnError           a required column is absent
│   ├── BadValueError                a value has the wrong type, format or range
│   ├── DuplicateKeyError            a key that must be unique is repeated
│   ├── EmptyTableError              the table has no row
│   └── UnknownSubjectError          an identifier is not in the records
├── ConfigError (ValueError)         a setting is missing or wrong: exit code 2
├── NotFoundError (LookupError)      no such case, source, model, run or record: exit code 2
├── ExtraMissingError (ImportError)  an optional part is not installed: exit code 2
├── RefusedError                     a safety rule forbids the action: exit code 2
│   ├── ModelRefusedError            a stored model was altered, has an unknown format or is another case's
│   └── JournalBrokenError           the decision journal does not verify
└── WorkFailedError (RuntimeError)   a part of work failed after its retries: exit code 1
"""

from __future__ import annotations

__all__ = [
    "BadValueError",
    "ConfigError",
    "DuplicateKeyError",
    "EclaireurError",
    "EmptyTableError",
    "ExtraMissingError",
    "FileRefusedError",
    "InputError",
    "JournalBrokenError",
    "MissingColumnError",
    "ModelRefusedError",
    "NotFoundError",
    "RefusedError",
    "UnknownSubjectError",
    "WorkFailedError",
]


class EclaireurError(Exception):
    """Base of every error that Éclaireur raises on purpose.

    Parameters
    ----------
    message
        One French sentence: what is wrong and what was expected.
    fix
        One French sentence: what the user can do. Shown after the message.
    file, line, column
        Where, when it is known. ``line`` counts from 1 and includes the header.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        file: str = "",
        line: int | None = None,
        column: str = "",
    ) -> None:
        self.message = message
        self.fix = fix
        self.file = file
        self.line = line
        self.column = column
        super().__init__(str(self))

    def __str__(self) -> str:
        where = [self.file] if self.file else []
        if self.line is not None:
            where.append(f"ligne {self.line}")
        if self.column:
            where.append(f"colonne « {self.column} »")
        head = f"{', '.join(where)} : {self.message}" if where else self.message
        return f"{head} {self.fix}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        # The engine's processes send errors back: keyword-only parameters need this to survive.
        return _rebuild, (type(self), self.message, self.fix, self.file, self.line, self.column)


def _rebuild(
    kind: type[EclaireurError], message: str, fix: str, file: str, line: int | None, column: str
) -> EclaireurError:
    return kind(message, fix=fix, file=file, line=line, column=column)


class InputError(EclaireurError, ValueError):
    """The user's file or option is wrong."""


class FileRefusedError(InputError):
    """The file cannot be read at all."""


class MissingColumnError(InputError):
    """A required column is absent."""


class BadValueError(InputError):
    """A value has the wrong type, format or range."""


class DuplicateKeyError(InputError):
    """A key that must be unique is repeated."""


class EmptyTableError(InputError):
    """The table has no row."""


class UnknownSubjectError(InputError):
    """An identifier is not in the records."""


class ConfigError(EclaireurError, ValueError):
    """A setting is missing or wrong."""


class NotFoundError(EclaireurError, LookupError):
    """No such case, source, model, run or record."""


class ExtraMissingError(EclaireurError, ImportError):
    """An optional part is not installed."""


class RefusedError(EclaireurError):
    """A safety rule forbids the action."""


class ModelRefusedError(RefusedError):
    """A stored model was altered, has an unknown format or belongs to another case."""


class JournalBrokenError(RefusedError):
    """The decision journal does not verify."""


class WorkFailedError(EclaireurError, RuntimeError):
    """A part of work failed after its retries."""

    exit_code = 1
