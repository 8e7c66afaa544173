"""The decision journal: append-only, sealed and chained; its format, and a store in one file.

Another store (the desk's database) implements `JournalStore`; nothing else changes.
"""

from eclaireur.core.journal.entry import Draft, Entry
from eclaireur.core.journal.head import Head, HeadKey, head_key
from eclaireur.core.journal.journal import Clock, Journal, Report, open_journal
from eclaireur.core.journal.keys import FileKeyStore, KeyStore
from eclaireur.core.journal.store import FileStore, JournalStore
from eclaireur.core.journal.wrapping import SubjectKey

__all__ = [
    "Clock",
    "Draft",
    "Entry",
    "FileKeyStore",
    "FileStore",
    "Head",
    "HeadKey",
    "Journal",
    "JournalStore",
    "KeyStore",
    "Report",
    "SubjectKey",
    "head_key",
    "open_journal",
]
