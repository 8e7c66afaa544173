"""Commands that make signals and lists: run, worklist, score, explain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from eclaireur.cli.options import AsJson, CaseName, SourceName, read_day
from eclaireur.cli.screen import say, show, show_json
from eclaireur.core.view import Block, Column, Facts, Table

if TYPE_CHECKING:
    from eclaireur.service.signals import Signals
    from eclaireur.service.work import Work

__all__ = ["AsOf", "Capacity", "RandomShare", "register", "summary", "top_table", "where"]

AsOf = Annotated[
    str | None,
    Parameter(name="--as-of", help="Date du calcul ; par défaut, le lendemain des dernières données."),
]
Capacity = Annotated[int, Parameter(name="--capacity", help="Nombre de contrôles possibles.")]
RandomShare = Annotated[
    float, Parameter(name="--random", help="Part de la liste tirée au hasard, pour mesurer le ciblage.")
]


def register(app: App) -> None:
    """Add these commands to the application."""
    app.command(_run, name="run", help="Lire, calculer les indices et tirer la liste.")
    app.command(_worklist, name="worklist", help="Tirer la liste du mois et l'écrire dans un fichier.")
    app.command(_score, name="score", help="Classer les lignes d'un fichier avec le modèle en service.")
    app.command(_explain, name="explain", help="Dire pourquoi un sujet a ce rang, et ce qu'on en sait.")


def _run(
    case: CaseName,
    /,
    *,
    source: SourceName = None,
    as_of: AsOf = None,
    capacity: Capacity = 40,
    random_share: RandomShare = 0.1,
    top: Annotated[int, Parameter(help="Nombre de lignes à montrer.")] = 10,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.service import signals as making
    from eclaireur.service.work import fetch

    when = read_day(as_of, "--as-of")
    with at_work(case, quiet=as_json) as work:
        chosen = chosen_source(work, source)
        if chosen == "connected":
            fetch(work, chosen)
        signals = making.make(work, chosen, as_of=when)
        worklist, run = making.draw(work, signals, capacity=capacity, random_share=random_share)
    if as_json:
        show_json(
            {
                "case": case,
                "source": chosen,
                "snapshot": signals.records.snapshot.id,
                "model": signals.model.card.number,
                "as_of": signals.as_of,
                "run": signals.run.id,
                "signals": signals.table.num_rows,
                "outputs": str(signals.folder),
                "worklist": {"run": run.id, "items": len(worklist.items)},
                "top": signals.table.slice(0, top).to_pylist(),
            }
        )
        return
    show(summary(work, signals, top))
    where(work, chosen, signals)


def summary(work: Work, signals: Signals, top: int) -> list[Block]:
    """Return what a calculation was made from, and the head of the list."""
    from eclaireur.core import french

    size = signals.table.num_rows
    model = signals.model
    head = Facts(
        title=work.card.title,
        pairs=(
            ("Calcul", f"au {french.day(signals.as_of)}, {signals.run.id}"),
            (
                "Données",
                f"{signals.records.snapshot.id}, lues le {french.day(signals.records.snapshot.taken)}",
            ),
            ("Modèle", f"n° {model.card.number}, mis en service par {model.by}"),
            ("Indices", f"{french.number(size)} {work.card.nouns}"),
        ),
    )
    return [head, top_table(work, signals, top)]


def top_table(work: Work, signals: Signals, top: int) -> Table:
    """Return the head of the list, with the two strongest reasons of each line."""
    from eclaireur.core import french
    from eclaireur.core.mention import SHORT

    rows: list[dict[str, Any]] = []
    for row in signals.table.slice(0, top).to_pylist():
        up = sorted((r for r in row["reasons"] if r["weight"] > 0), key=lambda r: -r["weight"])
        rows.append(
            {
                "rank": row["rank"],
                "name": row["name"],
                "area": row["area"],
                "score": row["score"],
                "why": "\n".join(f"▲ {reason['sentence']}" for reason in up[:2]),
            }
        )
    calibrated = bool(signals.table.num_rows) and signals.table["calibrated"][0].as_py()
    score = (Column(key="score", title="Risque estimé", align="right", kind="share"),) if calibrated else ()
    columns = (
        Column(key="rank", title="Rang", align="right"),
        Column(key="name", title=work.card.noun.capitalize()),
        Column(key="area", title="Secteur"),
        *score,
        Column(key="why", title="Ce qui augmente"),
    )
    return Table(
        title=f"Les {len(rows)} premiers sur {french.number(signals.table.num_rows)}",
        columns=columns,
        rows=rows,
        note=f"{work.card.limits[0]} {SHORT}",
    )


def where(work: Work, source: str, signals: Signals) -> None:
    """Print where the results are, and what can be done with them."""
    name = work.card.name
    first = signals.table["subject"][0].as_py().partition(":")[2] if signals.table.num_rows else "IDENTIFIANT"
    say(f"Résultats : {signals.folder}")
    say(f"Comprendre un rang : ./eclaireur explain {name} {first} --source {source}")
    say(f"Écrire la liste    : ./eclaireur worklist {name} --source {source} --output liste.xlsx")


def _worklist(
    case: CaseName,
    /,
    *,
    output: Annotated[Path, Parameter(name="--output", help="Fichier à écrire : .xlsx, .ods, .csv ou .pdf.")],
    source: SourceName = None,
    capacity: Capacity = 40,
    random_share: RandomShare = 0.1,
    quota: Annotated[
        list[str] | None,
        Parameter(name="--quota", negative="", help="Plafond d'un secteur : « SECTEUR=12 », répétable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.core import french
    from eclaireur.service import exporting, signals as making

    quotas = _quotas(quota or [])
    with at_work(case, quiet=as_json) as work:
        chosen = chosen_source(work, source)
        signals = making.latest(work, chosen)
        worklist, run = making.draw(
            work, signals, capacity=capacity, random_share=random_share, quotas=quotas
        )
        exporting.write_worklist(work, signals, worklist, output)
    if as_json:
        show_json({"case": case, "run": run.id, "items": len(worklist.items), "output": str(output)})
        return
    say(f"{french.count(len(worklist.items), work.card.noun, work.card.nouns)} : {output}")


def _quotas(texts: list[str]) -> dict[str, int]:
    from eclaireur.core.errors import BadValueError

    quotas = {}
    for text in texts:
        area, _, number = text.rpartition("=")
        if not area or not number.strip().isdecimal():
            raise BadValueError(
                f"quota illisible : « {text} ».", fix="Écrivez-le ainsi : --quota « Nord=12 »."
            )
        quotas[area.strip()] = int(number)
    return quotas


def _score(
    case: CaseName,
    /,
    *,
    input_path: Annotated[Path, Parameter(name="--input", help="Fichier ou dossier à classer.")],
    output: Annotated[
        Path, Parameter(name="--output", help="Fichier à écrire : .csv, .xlsx, .parquet, .json ou .jsonl.")
    ],
    source: SourceName = None,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.core import french
    from eclaireur.service.scoring import score

    with at_work(case, quiet=as_json) as work:
        scored = score(work, chosen_source(work, source), input_path=input_path, output=output)
    if as_json:
        show_json(
            {
                "case": case,
                "rows": scored.rows,
                "model": scored.model,
                "run": scored.run,
                "output": str(scored.output),
                "notes": scored.notes,
            }
        )
        return
    say(f"{french.count(scored.rows, 'ligne classée', 'lignes classées')} par le modèle n° {scored.model}.")
    for note in scored.notes:
        say(f"Réserve : {note}")
    say(f"Résultat : {scored.output}")


def _explain(
    case: CaseName,
    record: Annotated[str, Parameter(help="Identifiant du sujet (SIRET, numéro…).")],
    /,
    *,
    from_journal: Annotated[
        bool,
        Parameter(
            name="--from-journal",
            negative="",
            help="Expliquer le dernier avis écrit sur ce sujet, tel que le journal et ses pièces le disent.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        Parameter(name="--output", help="Avec --from-journal, fichier à écrire : .pdf, .odt."),
    ] = None,
    source: SourceName = None,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.service import signals as making

    if from_journal:
        _explain_past(case, record, output, as_json=as_json)
        return
    with at_work(case, quiet=True) as work:
        chosen = chosen_source(work, source)
        if as_json:
            show_json(making.signal_of(work, chosen, work.case.identify(record)))
            return
        blocks = making.explain(work, chosen, record)
    show(blocks)


def _explain_past(case: str, record: str, output: Path | None, *, as_json: bool) -> None:
    from eclaireur.cli.opening import at_work
    from eclaireur.core.view_json import to_plain
    from eclaireur.service.explaining import explain_entry, last_entry
    from eclaireur.service.reporting import write_report

    with at_work(case, quiet=True) as work:
        told = explain_entry(work, last_entry(work, work.case.identify(record)).seq, unveil=True)
    if output is not None:
        write_report(told.blocks, output, title=told.title, mentions=told.mentions)
    if as_json:
        show_json(
            {
                "case": case,
                "entry": told.seq,
                "score": told.score,
                "blocks": to_plain(told.blocks),
                "mentions": told.mentions,
            }
        )
    elif output is not None:
        say(f"Explication : {output}")
    else:
        show([*told.blocks, Facts(title="Mention légale", pairs=tuple(told.mentions.items()))])
