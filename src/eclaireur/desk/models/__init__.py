"""What people decide, in rows: accounts, rights, lists, follow-up, and the journal."""

from eclaireur.desk.models.accounts import (
    ApiKey,
    Attempt,
    Grant,
    Role,
    SecondFactor,
    Session,
    SetupLink,
    User,
)
from eclaireur.desk.models.files import Export, Upload
from eclaireur.desk.models.followup import Comment, Decision, Dossier, Letter
from eclaireur.desk.models.intake import (
    Campaign,
    Comparison,
    Feedback,
    Mail,
    MailContent,
    MailStatus,
    Outgoing,
)
from eclaireur.desk.models.jobs import Job, JobState
from eclaireur.desk.models.journal import JournalKey, JournalLine
from eclaireur.desk.models.lists import Edition, Item, Target, TargetReasons, Worklist
from eclaireur.desk.models.reading import Annotation, AnnotationFile, SavedSearch
from eclaireur.desk.models.requests import SentOnce
from eclaireur.desk.models.switches import Switch
from eclaireur.desk.models.trust import Contest, Planted, PublishedSheet, Trial, Vote

__all__ = [
    "Annotation",
    "AnnotationFile",
    "ApiKey",
    "Attempt",
    "Campaign",
    "Comment",
    "Comparison",
    "Contest",
    "Decision",
    "Dossier",
    "Edition",
    "Export",
    "Feedback",
    "Grant",
    "Item",
    "Job",
    "JobState",
    "JournalKey",
    "JournalLine",
    "Letter",
    "Mail",
    "MailContent",
    "MailStatus",
    "Outgoing",
    "Planted",
    "PublishedSheet",
    "Role",
    "SavedSearch",
    "SecondFactor",
    "SentOnce",
    "Session",
    "SetupLink",
    "Switch",
    "Target",
    "TargetReasons",
    "Trial",
    "Upload",
    "User",
    "Vote",
    "Worklist",
]
