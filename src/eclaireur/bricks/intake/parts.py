"""Cut a mail into what its author wrote now and what comes with it: greeting, quoted mail, signature.

Rules on lines, made for French mails and for what mail programs add to them in French and English. What a
mail quotes is never what it asks, except in a forwarded mail, where nothing else is written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from eclaireur.core.intake import Part, PartKind

__all__ = ["LONGEST", "own_text", "segment"]

LONGEST = 60_000
"""Characters that are looked at: the rest of a longer mail is part of its message."""

_ANY_CASE = re.IGNORECASE
_QUOTE_MARK = re.compile(r"[ \t]*>")
_WROTE = re.compile(
    r"[ \t]*(?:le|on|am|el|il)\s.{4,200}?\b"
    r"(?:a\s+écrit|a\s+ecrit|wrote|schrieb|escribió|ha\s+scritto)\s*:?[ \t]*$",
    _ANY_CASE | re.DOTALL,
)
_ORIGINAL = re.compile(
    r"[ \t]*(?:[-_*]{2,}\s*(?:message|mail|courriel)\s+(?:d[’']origine|original|transféré|transfere|initial)"
    r"|[-_*]{2,}\s*(?:original|forwarded)\s+message"
    r"|début du message (?:réexpédié|transféré)|_{20,}[ \t]*$)",
    _ANY_CASE,
)
_HEADING = re.compile(
    r"[ \t]*\*?(?:de|from|envoyé|sent|date|à|to|cc|copie|objet|subject)\*?[ \t]?\*?[ \t\xa0]*:", _ANY_CASE
)
_FROM = re.compile(r"[ \t]*\*?(?:de|from)\*?[ \t\xa0]*:", _ANY_CASE)
_SALUTE = (
    r"(?:bonjour|bonsoir|salut|coucou|hello|madame|monsieur|mesdames|messieurs|mademoiselle|"
    r"chère?s?|maître|docteur|à\s+l[’']attention|à\s+qui\s+de\s+droit|dear|hi|mr|mme|m\.)"
)
_GREETING = re.compile(rf"[ \t]*{_SALUTE}\b", _ANY_CASE)
_GREETING_ALONE = re.compile(rf"[ \t]*{_SALUTE}\b[^.!?\n]{{0,70}}[.!?,:]?[ \t]*$", _ANY_CASE)
_GREETING_BEFORE = re.compile(
    r"[ \t]*(?:bonjour|bonsoir|salut|hello|madame|monsieur|mesdames|messieurs)"
    r"(?:[ \t,]+(?:à tous|à toutes|madame|monsieur|mesdames|messieurs|le maire|la maire"
    r"|le président|la présidente|le directeur|la directrice|le préfet))*[ \t]*[,!.:]?[ \t]+(?=\S)",
    _ANY_CASE,
)
_CLOSING_WORDS = (
    r"(?:(?:bien\s+)?(?:très\s+)?cordialement|bien\s+à\s+vous|sincèrement|respectueusement"
    r"|(?:mes\s+)?(?:sincères\s+|meilleures\s+|respectueuses\s+)?salutations|cdlt|cdt"
    r"|(?:je|nous)\s+vous\s+pri(?:e|ons)\s+(?:d[’'](?:agréer|accepter)|de\s+(?:croire|recevoir))"
    r"|veuillez\s+(?:agréer|recevoir|croire|accepter)|dans\s+l[’']attente\s+de\s+(?:vous|votre)"
    r"|bonne\s+(?:journée|soirée|réception)|belle\s+journée|avec\s+mes\s+remerciements"
    r"|(?:best|kind)\s+regards|regards|sincerely|yours)"
)
_CLOSING = re.compile(
    rf"[ \t]*(?:merci\s+(?:d[’']avance|par\s+avance)\s*[,.]?\s*)?{_CLOSING_WORDS}\b", _ANY_CASE
)
_CLOSING_INSIDE = re.compile(rf"(?<=[.!?])[ \t]+{_CLOSING_WORDS}\b[^\n]{{0,160}}$", _ANY_CASE)
_DASHES = re.compile(r"[ \t]*--[ \t]*$")
_FOOTER = re.compile(
    r"[ \t]*(?:envoyé (?:de|depuis|à partir) |sent from |provenance\s*:\s*courrier|obtenir outlook"
    r"|ce (?:message|courriel|mail|e-mail)[^\n]{0,80}(?:confidentiel|destiné|virus|antivirus|pièces)"
    r"|this (?:e-?mail|message)|avant d[’']imprimer|pensez à l[’']environnement|n[’']imprimez"
    r"|l[’']absence de virus|garanti sans virus|pour vous désabonner|se désinscrire|désinscription"
    r"|les informations contenues dans ce)",
    _ANY_CASE,
)
_SIGNATURE_LINES = 14
_GREETING_LINES = 3


def segment(body: str) -> tuple[Part, ...]:
    """Cut the body of a mail into parts that cover it, in order.

    Parameters
    ----------
    body
        As it came; any line ends.

    Examples
    --------
    >>> mail = "Bonjour,\\nMa carte est perdue.\\nCordialement\\nA. B.\\n> Votre carte est prête.\\n"
    >>> for part in segment(mail):
    ...     print(part.kind.value, repr(mail[part.start : part.end].strip()))
    greeting 'Bonjour,'
    body 'Ma carte est perdue.'
    signature 'Cordialement\\nA. B.'
    quoted '> Votre carte est prête.'
    >>> segment("")
    ()
    """
    looked = body[:LONGEST]
    lines = _lines(looked)
    kinds = [PartKind.BODY] * len(lines)
    _quote(lines, kinds)
    _foot(lines, kinds)
    _sign(lines, kinds)
    _greet(lines, kinds)
    _blank(lines, kinds)
    pieces = []
    start = 0
    for line, kind in zip(lines, kinds, strict=True):
        pieces += _split(line, kind, start)
        start += len(line)
    if len(body) > len(looked):
        pieces.append((PartKind.BODY, start, len(body)))
    return _joined(pieces)


def own_text(body: str, parts: Sequence[Part] | None = None) -> str:
    """Return what the author of a mail asks: its message, or what it quotes when nothing else is written.

    >>> own_text("Bonjour,\\nOù en est mon dossier ?\\n-- \\nA. B.")
    'Où en est mon dossier ?'
    >>> own_text("---------- Forwarded message\\nOù en est mon dossier ?")
    '---------- Forwarded message\\nOù en est mon dossier ?'
    """
    found = segment(body) if parts is None else parts
    for kind in (PartKind.BODY, PartKind.QUOTED):
        text = "".join(body[part.start : part.end] for part in found if part.kind is kind).strip()
        if text:
            return text
    return body.strip()


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _quote(lines: Sequence[str], kinds: list[PartKind]) -> None:
    """Mark what is quoted: lines after a mark, and all that follows the heading of another mail."""
    for at, line in enumerate(lines):
        if _QUOTE_MARK.match(line):
            kinds[at] = PartKind.QUOTED
    for at, line in enumerate(lines):
        if kinds[at] is PartKind.QUOTED:
            continue
        if _ORIGINAL.match(line.rstrip("\r\n")) or _heads(lines, at):
            kinds[at:] = [PartKind.QUOTED] * (len(kinds) - at)
            return
        size = _wrote(lines, at)
        if size:
            marked = [kind is PartKind.QUOTED for kind in kinds[at + size :]]
            # Answers written between quoted lines stay the author's; else all that follows is quoted.
            stop = at + size if any(marked) else len(kinds)
            kinds[at:stop] = [PartKind.QUOTED] * (stop - at)
            if stop == len(kinds):
                return


def _wrote(lines: Sequence[str], at: int) -> int:
    """Return how many lines say « Le … a écrit : », cut on two or not; 0 when none does."""
    for size in (1, 2):
        said = " ".join(line.strip() for line in lines[at : at + size])
        if len(said) < 300 and _WROTE.match(said):
            return size
    return 0


def _heads(lines: Sequence[str], at: int) -> bool:
    """Tell whether a line begins the headings of another mail: « De : », then two others soon after."""
    if not _FROM.match(lines[at]):
        return False
    return sum(bool(_HEADING.match(line)) for line in lines[at : at + 5]) >= 3


def _foot(lines: Sequence[str], kinds: list[PartKind]) -> None:
    """Mark notices of programs and of administrations, down to the end of what the author wrote."""
    for at, line in enumerate(lines):
        if kinds[at] is PartKind.BODY and _FOOTER.match(line):
            stop = next((end for end in range(at, len(lines)) if kinds[end] is PartKind.QUOTED), len(lines))
            kinds[at:stop] = [PartKind.FOOTER] * (stop - at)
            return


def _sign(lines: Sequence[str], kinds: list[PartKind]) -> None:
    """Mark from the last closing formula, or the two dashes, down to the end of what the author wrote."""
    own = [at for at, kind in enumerate(kinds) if kind is PartKind.BODY and lines[at].strip()]
    if not own:
        return
    last = own[-1]
    for at in own:
        if _DASHES.match(lines[at].rstrip("\r\n")):
            _mark_signature(kinds, at, last)
            return
    for at in reversed(own[-_SIGNATURE_LINES:]):
        if _CLOSING.match(lines[at]) and len(lines[at]) < 300:
            first = at
            # A formula of two lines begins at the one that thanks or waits.
            while first - 1 in own and _CLOSING.match(lines[first - 1]):
                first -= 1
            _mark_signature(kinds, first, last)
            return


def _mark_signature(kinds: list[PartKind], start: int, last: int) -> None:
    for at in range(start, last + 1):
        if kinds[at] is PartKind.BODY:
            kinds[at] = PartKind.SIGNATURE


def _greet(lines: Sequence[str], kinds: list[PartKind]) -> None:
    own = [at for at, kind in enumerate(kinds) if kind is PartKind.BODY and lines[at].strip()]
    for at in own[:_GREETING_LINES]:
        if not _GREETING.match(lines[at]):
            return
        if not _GREETING_ALONE.match(lines[at].rstrip("\r\n")):
            return
        # A mail of one line is its message, even if it begins by « Monsieur ».
        if len(own) > 1:
            kinds[at] = PartKind.GREETING


def _blank(lines: Sequence[str], kinds: list[PartKind]) -> None:
    """Let an empty line belong to the part before it."""
    for at in range(1, len(lines)):
        if not lines[at].strip() and kinds[at] is not PartKind.QUOTED:
            kinds[at] = kinds[at - 1]


def _split(line: str, kind: PartKind, start: int) -> list[tuple[PartKind, int, int]]:
    """Cut a line that greets, asks and signs at once."""
    end = start + len(line)
    if kind is not PartKind.BODY or len(line) > 5000:
        return [(kind, start, end)]
    pieces = []
    greeting = _GREETING_BEFORE.match(line)
    if greeting and line[greeting.end() :].strip():
        pieces.append((PartKind.GREETING, start, start + greeting.end()))
        start += greeting.end()
    rest = line[len(line) - (end - start) :]
    closing = _CLOSING_INSIDE.search(rest.rstrip())
    if closing and rest[: closing.start()].strip():
        middle = start + closing.start()
        return [*pieces, (PartKind.BODY, start, middle), (PartKind.SIGNATURE, middle, end)]
    return [*pieces, (PartKind.BODY, start, end)]


def _joined(pieces: Sequence[tuple[PartKind, int, int]]) -> tuple[Part, ...]:
    found: list[Part] = []
    for kind, start, end in pieces:
        if start == end:
            continue
        if found and found[-1].kind is kind:
            found[-1] = Part(kind=kind, start=found[-1].start, end=end)
        else:
            found.append(Part(kind=kind, start=start, end=end))
    return tuple(found)
