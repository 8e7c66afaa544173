"""The errors that users see."""

from __future__ import annotations

import inspect
import pickle
import re

from eclaireur.core import errors


def classes() -> dict[str, type[Exception]]:
    return {
        name: found
        for name, found in vars(errors).items()
        if inspect.isclass(found) and issubclass(found, errors.EclaireurError)
    }


def test_the_tree_in_the_docstring_matches_the_classes() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    assert sorted(drawn) == sorted(set(classes()) - {"EclaireurError"})


def test_each_line_of_the_tree_names_the_built_in_that_the_class_extends() -> None:
    for name, built_in in re.findall(r"[├└]── (\w+) \((\w+)\)", errors.__doc__ or ""):
        assert built_in in {base.__name__ for base in classes()[name].__mro__}


def test_a_message_says_where_what_and_what_to_do() -> None:
    error = errors.BadValueError(
        "date attendue.", fix="Corrigez-la.", file="controles.csv", line=12, column="Date"
    )
    assert str(error) == "controles.csv, ligne 12, colonne « Date » : date attendue. Corrigez-la."


def test_an_error_survives_the_way_back_from_another_process() -> None:
    error = errors.MissingColumnError("absente.", fix="Ajoutez-la.", file="a.csv", line=1, column="SIRET")
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), back.line) == (type(error), str(error), 1)
