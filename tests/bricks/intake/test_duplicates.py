"""Copies and campaigns."""

from __future__ import annotations

from datetime import date, timedelta

from eclaireur.bricks.intake.duplicates import alike, campaigns

TEXT = "Nous refusons la fermeture de la route entre Valbrun et Courmelle, qui nuit à nos commerces."


def test_a_campaign_is_one_text_of_several_people() -> None:
    texts = [
        TEXT,
        TEXT.upper(),
        TEXT + " Merci.",
        "Où en est ma demande de carte déposée au mois de mars ?",
        TEXT,
    ]
    senders = ["a@x.fr", "b@x.fr", "c@x.fr", "d@x.fr", "e@x.fr"]
    days = [date(2026, 1, 1) + timedelta(days=at) for at in range(5)]
    found = alike(texts)
    assert found.same == (0, 0, 2, 3, 0)
    assert found.near == (0, 0, 0, 3, 0)
    (one,) = campaigns(found, senders, days)
    assert (one.members, one.senders, one.identical) == ((0, 1, 2, 4), 4, 3)
    assert (one.first, one.last) == (days[0], days[4])
    assert campaigns(found, ["a@x.fr", "A@x.fr", "a@x.fr", "d@x.fr", "a@x.fr"], days) == []


def test_a_few_words_are_no_copy() -> None:
    assert alike(["merci", "merci", "", ""]).near == (0, 1, 2, 3)
    assert alike([]).near == ()
