"""Terms hashed in bulk are those that a slow reading of the text gives."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from eclaireur.bricks.semantic.ngrams import batches, stems, term_buckets, terms

SENTENCES = st.lists(st.text("aàeéœ b-'1\n\0", max_size=30), max_size=6)


@settings(max_examples=60, deadline=None)
@given(SENTENCES)
def test_stems_in_bulk_are_the_stems_that_are_shown(texts: list[str]) -> None:
    words, _ = terms(texts)
    found = sorted(zip(words.row.tolist(), words.bucket.tolist(), strict=True))
    shown = {(at, int(one)) for at, text in enumerate(texts) for one in term_buckets(stems(text))}
    assert found == sorted(shown)


@settings(max_examples=60, deadline=None)
@given(SENTENCES)
def test_a_text_has_the_same_terms_alone_and_among_others(texts: list[str]) -> None:
    for view in (0, 1):
        together = terms(texts)[view]
        for at, text in enumerate(texts):
            alone = terms([text])[view]
            assert together.bucket[together.row == at].tolist() == alone.bucket.tolist()
            assert together.times[together.row == at].tolist() == alone.times.tolist()


def test_runs_of_letters_stay_inside_a_word_with_its_edges() -> None:
    _, runs = terms(["abc"])
    assert len(runs.bucket) == len([" ab", "abc", "bc ", " abc", "abc ", " abc "])
    _, apart = terms(["abc abd"])
    assert len(apart.bucket) == 6 + 6 - len([" ab"])


def test_one_letter_words_and_empty_texts_have_no_run() -> None:
    assert len(terms(["", "!"])[1].bucket) == 0
    assert len(terms(["a"])[1].bucket) == 1


def test_a_text_longer_than_a_batch_is_a_batch() -> None:
    texts = ["x" * 10_000_000, "y", ""]
    assert [texts[batch] for batch in batches(texts)] == [texts[:1], texts[1:]]
