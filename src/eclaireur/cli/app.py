"""The application: its commands, and one way to report errors.

Exit codes: 0 done, 1 the work failed or a check found something, 2 the request was wrong.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from cyclopts import App, Group
from cyclopts.exceptions import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from eclaireur import __version__
from eclaireur.cli import (
    commands_backup,
    commands_data,
    commands_desk,
    commands_fetch,
    commands_lists,
    commands_models,
    commands_personal,
    commands_project,
    commands_reports,
    commands_search,
    commands_texts,
    commands_trust,
    commands_weights,
)
from eclaireur.cli.help import FrenchHelp
from eclaireur.core.errors import EclaireurError

__all__ = ["app", "main"]

_OPTIONS = Group("Options", sort_key=2)

app = App(
    name="eclaireur",
    help="Aide les agents publics à voir où regarder. L'agent décide.",
    help_epilogue="Documentation : dossier docs/. Chaque commande accepte --help.",
    usage="Utilisation : eclaireur COMMANDE [OPTIONS]",
    version=__version__,
    group_commands=Group("Commandes", sort_key=1),
    group_arguments=Group("Arguments", sort_key=0),
    group_parameters=_OPTIONS,
    help_format="plaintext",
    help_formatter=FrenchHelp(),
    print_error=False,
    exit_on_error=False,
    result_action="return_value",
)
app["--help"].help = "Afficher l'aide."
app["--version"].help = "Afficher la version."
for _flag in ("--help", "--version"):
    app[_flag].group = _OPTIONS


def _say_usage(parent: App, path: str) -> None:
    """Write each command's usage line in French."""
    for name in parent:
        if not name.startswith("-"):
            inner = parent[name]
            action = "ARGUMENTS" if inner.default_command else "COMMANDE"
            inner.usage = f"Utilisation : {path} {name} {action} [OPTIONS]"
            _say_usage(inner, f"{path} {name}")


for _module in (
    commands_desk,
    commands_data,
    commands_fetch,
    commands_search,
    commands_texts,
    commands_lists,
    commands_models,
    commands_personal,
    commands_project,
    commands_reports,
    commands_trust,
    commands_weights,
    commands_backup,
):
    _module.register(app)
_say_usage(app, "eclaireur")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Every expected error ends in one French message on standard error; with ``--json`` the same
    error is also written to standard output as ``{"error": {...}}``.
    """
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = app(tokens or ["--help"])
    except EclaireurError as error:
        return _report(error, tokens)
    except CycloptsError as error:
        return _report(_usage_error(error), tokens)
    except OSError as error:
        return _report(_system_error(error), tokens)
    except KeyboardInterrupt:
        print("Interrompu. Les résultats déjà publiés restent valables.", file=sys.stderr)
        return 130
    return result if isinstance(result, int) else 0


def _system_error(error: OSError) -> EclaireurError:
    from eclaireur.core.workspace import explain_os_error

    if isinstance(error, BrokenPipeError):
        # The reader left (`| head`): nothing to say, and nothing more to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EclaireurError("la sortie a été fermée.")
    return explain_os_error(error)


def _report(error: EclaireurError, tokens: list[str]) -> int:
    print(f"Erreur : {error}", file=sys.stderr)
    if "--json" in tokens:
        content = {
            "type": type(error).__name__,
            "message": error.message,
            "fix": error.fix,
            "file": error.file,
            "line": error.line,
            "column": error.column,
        }
        print(json.dumps({"error": content}, ensure_ascii=False))
    return error.exit_code


def _usage_error(error: CycloptsError) -> EclaireurError:
    """Say in French what the command line got wrong."""
    chain = " ".join(error.command_chain or ())
    fix = f"Voir : ./eclaireur {chain} --help".replace("  ", " ")
    argument = error.argument.names[0] if error.argument is not None and error.argument.names else ""
    match error:
        case UnknownCommandError():
            first = (error.unused_tokens or [""])[0]
            return EclaireurError(f"commande inconnue : « {first} ».", fix="Voir : ./eclaireur --help")
        case UnknownOptionError():
            return EclaireurError(f"option inconnue : « {error.token.keyword} ».", fix=fix)
        case MissingArgumentError():
            return EclaireurError(f"il manque l'argument {argument or 'attendu'}.", fix=fix)
        case CoercionError():
            value = error.token.value if error.token is not None else ""
            return EclaireurError(f"valeur invalide pour {argument} : « {value} ».", fix=fix)
        case UnusedCliTokensError():
            return EclaireurError(f"argument en trop : « {(error.unused_tokens or [''])[0]} ».", fix=fix)
        case _:
            return EclaireurError(f"commande mal formée : {error}.", fix=fix)
