"""Whether agents follow the machine because they see what it says: verdicts given blind beside the others.

In a list with lines drawn at random, a verdict is given before the score shows; in others, after. Where the
machine proposed the line, following more often when the score shows than when it does not is the *automation
bias*; the lines drawn at random say how often agents follow what the machine did not choose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.core import french
from eclaireur.core.evaluation.intervals import MIN_GROUP, newcombe, wilson
from eclaireur.core.view import Block, Column, Facts, Table
from eclaireur.service.measured import TOO_FEW

if TYPE_CHECKING:
    from eclaireur.core.journal import Entry
    from eclaireur.service.work import Work

__all__ = ["TRIAL_CLOSED", "Bias", "bias_blocks", "count_bias", "measure_bias", "trial_blocks"]

TRIAL_CLOSED = "trial_closed"
"""Kind of the journal's lines that end a trial in which a share of the suggestions was wrong on purpose."""

_MODEL, _RANDOM = "model", "random"
_LEAST_PLANTED = 10
"""A trial plants few lines: a difference is told from ten verdicts on each side, with its wide interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """Verdicts by way of drawing and by whether the score showed: followed and all, and changes of mind.

    ``toward`` are verdicts that were taken back once the score showed and given again as the machine says:
    following a line that it chose, not following one drawn at random; ``away`` the contrary.
    """

    followed: Counter[tuple[str, bool]]
    judged: Counter[tuple[str, bool]]
    toward: int
    away: int

    def gap(self) -> tuple[float, float, float] | None:
        """Return how much more often what the machine chose is followed when its score shows, with interval.

        None when one side has too few verdicts.
        """
        seen, blind = (_MODEL, False), (_MODEL, True)
        if min(self.judged[seen], self.judged[blind]) < MIN_GROUP:
            return None
        low, high = newcombe(self.followed[seen], self.judged[seen], self.followed[blind], self.judged[blind])
        share = self.followed[seen] / self.judged[seen] - self.followed[blind] / self.judged[blind]
        return share, low, high


def measure_bias(work: Work) -> Bias:
    """Count the verdicts of a case in the journal; exercises are not there."""
    entries = work.workspace.journal.entries({"decision", "undo"}, case=work.card.name)
    return count_bias(entries)


def count_bias(entries: Iterable[Entry]) -> Bias:
    """Count verdicts; of those taken back, only the change of mind is kept."""
    standing: dict[int, Entry] = {}
    changed: dict[str, Entry] = {}
    toward = away = 0
    for entry in entries:
        if entry.kind == "undo":
            gone = standing.pop(entry.data["undoes"], None)
            if gone is not None and gone.subject is not None and gone.data.get("blind"):
                changed[gone.subject] = gone
            continue
        if "blind" not in entry.data:
            continue
        standing[entry.seq] = entry
        before = changed.pop(entry.subject or "", None)
        if before is None or before.data["signal_run"] != entry.data["signal_run"]:
            continue
        if _follows(before) != _follows(entry):
            agrees = _follows(entry) == (before.data.get("drawn") == _MODEL)
            toward, away = toward + agrees, away + (not agrees)
    followed: Counter[tuple[str, bool]] = Counter()
    judged: Counter[tuple[str, bool]] = Counter()
    for entry in standing.values():
        key = (str(entry.data.get("drawn") or ""), bool(entry.data["blind"]))
        judged[key] += 1
        followed[key] += _follows(entry)
    return Bias(followed=followed, judged=judged, toward=toward, away=away)


def _follows(entry: Entry) -> bool:
    return bool(entry.data["verdict"] == "follow")


def bias_blocks(bias: Bias) -> tuple[Block, ...]:
    """Return the figure and what it rests on, as view blocks; no number where there is too little."""
    rows = []
    for drawn, title in ((_MODEL, "choisies par le calcul"), (_RANDOM, "tirées au hasard")):
        for blind, when in ((True, "avant de voir l’indice"), (False, "en voyant l’indice")):
            n, found = bias.judged[drawn, blind], bias.followed[drawn, blind]
            low, high = wilson(found, n)
            enough = n >= MIN_GROUP
            rows.append(
                {
                    "lines": title,
                    "when": when,
                    "n": n,
                    "share": french.percent(found / n) if enough else TOO_FEW,
                    "interval": f"{french.percent(low)} à {french.percent(high)}" if enough else "–",
                }
            )
    columns = (
        Column(key="lines", title="Lignes"),
        Column(key="when", title="Avis donné"),
        Column(key="n", title="Avis", align="right"),
        Column(key="share", title="Suivies", align="right"),
        Column(key="interval", title="Intervalle à 95 %", align="right"),
    )
    table = Table(
        title="Part des lignes suivies",
        columns=columns,
        rows=rows,
        note=f"Moins de {MIN_GROUP} avis : {TOO_FEW}. Les exercices d’entraînement ne comptent pas.",
    )
    return (Facts(title="Biais d’automatisation", pairs=tuple(_told(bias))), table)


def _told(bias: Bias) -> list[tuple[str, str]]:
    found = bias.gap()
    if found is None:
        said = (
            f"{TOO_FEW.capitalize()} : il faut au moins {MIN_GROUP} avis donnés avant de voir l’indice et "
            f"{MIN_GROUP} en le voyant, sur des lignes choisies par le calcul."
        )
    else:
        share, low, high = (100 * one for one in found)
        said = (
            f"Voir l’indice change la part suivie de {french.signed(share, 1)} points "
            f"(entre {french.signed(low, 1)} et {french.signed(high, 1)})."
        )
        said += (
            " L’écart est net : relisez les dossiers avant l’indice."
            if low > 0
            else " Rien ne montre que les agents suivent l’indice parce qu’ils le voient."
        )
    return [
        ("Effet de l’indice sur les avis", said),
        (
            "Avis changés une fois l’indice vu",
            f"{french.number(bias.toward)} vers le calcul, {french.number(bias.away)} contre lui",
        ),
    ]


def trial_blocks(work: Work) -> tuple[Block, ...]:
    """Return what ended trials found: how often wrong suggestions were followed, beside right ones."""
    followed: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    ended = [
        entry
        for entry in work.workspace.journal.entries(TRIAL_CLOSED, case=work.card.name)
        if entry.data["judged"]
    ]
    if not ended:
        return ()
    for entry in ended:
        followed.update(entry.data["followed"])
        judged.update(entry.data["judged"])
    rows = []
    for name, title in (("wrong", "fausses exprès"), ("right", "justes")):
        n, found = judged[name], followed[name]
        low, high = wilson(found, n)
        rows.append(
            {
                "lines": title,
                "n": n,
                "share": french.percent(found / n) if n else TOO_FEW,
                "interval": f"{french.percent(low)} à {french.percent(high)}" if n else "–",
            }
        )
    told = TOO_FEW
    if min(judged["wrong"], judged["right"]) >= _LEAST_PLANTED:
        low, high = newcombe(followed["wrong"], judged["wrong"], followed["right"], judged["right"])
        gap = followed["wrong"] / judged["wrong"] - followed["right"] / judged["right"]
        told = (
            f"{french.signed(100 * gap, 1)} points "
            f"(entre {french.signed(100 * low, 1)} et {french.signed(100 * high, 1)})"
        )
    table = Table(
        title=f"Propositions fausses exprès : {french.count(len(ended), 'essai terminé', 'essais terminés')}",
        columns=(
            Column(key="lines", title="Propositions"),
            Column(key="n", title="Avis", align="right"),
            Column(key="share", title="Suivies", align="right"),
            Column(key="interval", title="Intervalle à 95 %", align="right"),
        ),
        rows=rows,
        note=(
            f"Part suivie des fausses moins part suivie des justes : {told}. Proche de zéro, la machine est "
            "suivie même quand elle se trompe. Sur l’échantillon, dans des essais annoncés."
        ),
    )
    return (table,)
