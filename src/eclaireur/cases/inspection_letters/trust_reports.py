"""How far to trust the model of topics: its words, its curve, its likely mistakes, what to annotate next."""

from __future__ import annotations

from eclaireur.bricks.semantic.labelling import worth_annotating
from eclaireur.bricks.semantic.outline import sentences
from eclaireur.cases.inspection_letters import measuring
from eclaireur.cases.inspection_letters.asking import Asked, plain_table
from eclaireur.core import french
from eclaireur.core.view import Block, Chart, Series

__all__ = ["annotate", "audit", "coverage", "learning", "topics"]

_AUDITED = 50
_PARTS = (0.25, 0.5, 1.0)


def topics(asked: Asked) -> tuple[Block, ...]:
    """Show each topic by its words and the sentence that the model is surest of."""
    rows = asked.sentences
    scores = asked.model.scored([row["sentence"] for row in rows])
    best = scores.argmax(axis=0).tolist()
    return (
        plain_table(
            "Sujets",
            [
                {
                    "topic": topic,
                    "terms": ", ".join(asked.model.telling(at)),
                    "sentence": rows[best[at]]["sentence"][:300],
                }
                for at, topic in enumerate(asked.model.names)
            ],
            note="Les noms des sujets n'ont jamais été publiés.",
            topic="Sujet",
            terms="Mots les plus parlants",
            sentence="Phrase la plus sûre",
        ),
    )


def _held(asked: Asked) -> measuring.Held:
    return measuring.held_out(asked.sentences, seed=asked.seed, progress=asked.progress)


def coverage(asked: Asked) -> tuple[Block, ...]:
    """Draw how often the first topic is right among the sentences that the model keeps, surest first."""
    series = measuring.coverage(_held(asked))
    text = " ; ".join(
        f"{french.number(100 * share)} % des phrases : {french.number(y, 2)}"
        for share, y in zip(measuring.SHARES, series[0].y, strict=True)
    )
    return (
        Chart(
            title="Moins le modèle garde de phrases, plus son premier sujet est juste",
            form="line",
            x_title="Part des phrases gardées (%)",
            y_title="Part de premiers sujets justes",
            series=series,
            text=text,
        ),
    )


def audit(asked: Asked) -> tuple[Block, ...]:
    """List the sentences whose labels a model that did not see them is surest to contradict."""
    held, rows = _held(asked), asked.sentences
    wrong = [at for at in (-held.sure).argsort(kind="stable").tolist() if not held.right[at]]
    return (
        plain_table(
            "Phrases dont les étiquettes contredisent le modèle, les plus sûres d'abord",
            [
                {
                    "sentence": rows[at]["sentence"],
                    "labels": ", ".join(rows[at]["labels"]) or "aucune",
                    "first": held.names[held.first[at]],
                    "sure": french.percent(held.sure[at]),
                }
                for at in wrong[:_AUDITED]
            ],
            note="Le modèle n'a pas appris de ces phrases ni de leurs quasi-doublons. Il peut avoir tort.",
            sentence="Phrase",
            labels="Étiquettes",
            first="Sujet proposé",
            sure="Chance d'être juste",
        ),
    )


def annotate(asked: Asked) -> tuple[Block, ...]:
    """Choose sentences of letters to annotate: sure ones confirm, unsure ones teach."""
    texts = list(
        dict.fromkeys(
            " ".join(row["text"][a:b].split()) for row in asked.letters for a, b in sentences(row["text"])
        )
    )
    best, chance, _ = asked.model.sure(asked.model.scored(texts))
    sure, unsure = worth_annotating(chance.tolist())
    return (
        plain_table(
            "À annoter",
            [
                {
                    "why": "sûre" if at in sure else "incertaine",
                    "sentence": texts[at],
                    "first": asked.model.names[best[at]],
                    "chance": french.percent(chance[at]),
                }
                for at in [*sure, *unsure]
            ],
            why="Choix",
            sentence="Phrase",
            first="Sujet proposé",
            chance="Chance d'être juste",
        ),
    )


def learning(asked: Asked) -> tuple[Block, ...]:
    """Measure on one fold what fewer sentences would have taught."""
    points = measuring.learning(asked.sentences, parts=_PARTS, seed=asked.seed, progress=asked.progress)
    text = " ; ".join(f"{french.number(n)} phrases : {french.number(value, 3)}" for n, value in points)
    series = Series(
        name="micro-F1", x=tuple(float(n) for n, _ in points), y=tuple(value for _, value in points)
    )
    return (
        Chart(
            title="Justesse selon le nombre de phrases apprises",
            form="line",
            x_title="Phrases apprises",
            y_title="Micro-F1",
            series=(series,),
            text=text,
        ),
    )
