"""A small OpenID Connect provider on loopback, which a test can make misbehave in one way at a time."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

__all__ = ["CLIENT", "SECRET", "Provider", "provider"]

CLIENT = "eclaireur-test"
SECRET = "a secret of the test, long enough for HS256"
Change = Callable[[dict[str, Any]], None]


def _same(_: dict[str, Any]) -> None:
    pass


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider:
    """What the provider knows and how it answers. Tests change its attributes."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = _key()
        self.codes: dict[str, dict[str, str]] = {}
        self.person: dict[str, Any] = {
            "sub": "7b5f-ada",
            "given_name": "Ada",
            "usual_name": "Martin",
            "email": "ada.martin@exemple.fr",
            "siret": "13002526500013",
        }
        self.acr = "eidas2"
        self.change_token: Change = _same
        self.change_info: Change = _same
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.signed_info = True
        self.down = False
        self.asked: list[str] = []

    def signed(self, claims: dict[str, Any]) -> str:
        """Sign as the provider does."""
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "one"})

    def authorize(self, address: str) -> dict[str, str]:
        """Let the person agree: return what the browser brings back."""
        values = {name: found[0] for name, found in parse_qs(urlsplit(address).query).items()}
        code = secrets.token_urlsafe(8)
        self.codes[code] = values
        return {"code": code, "state": values["state"], "iss": self.issuer}

    def description(self) -> dict[str, Any]:
        """Return the document of OpenID Connect Discovery."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/session/end",
            "scopes_supported": ["openid", "given_name", "usual_name", "email", "siret"],
        }

    def tokens(self, form: dict[str, str]) -> dict[str, Any] | None:
        """Exchange a code once: for the client that has the secret and the PKCE verifier."""
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or (form["client_id"], form["client_secret"]) != (CLIENT, SECRET):
            return None
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": self.person["sub"],
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
            "acr": self.acr,
        }
        self.change_token(claims)
        return {"access_token": "access", "token_type": "Bearer", "id_token": self.sign(claims)}

    def info(self) -> tuple[str, bytes]:
        """Return what is known of the person: a signed token, as ProConnect does, or JSON."""
        claims = {**self.person, "iss": self.issuer, "aud": CLIENT, "iat": int(time.time())}
        self.change_info(claims)
        if self.signed_info:
            return "application/jwt", self.signed(claims).encode()
        return "application/json", json.dumps(claims).encode()

    def keys(self) -> dict[str, Any]:
        """Return the public keys."""
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]}


@contextmanager
def provider() -> Iterator[Provider]:
    """Serve a provider on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            found.asked.append(self.path)
            match self.path:
                case "/.well-known/openid-configuration":
                    self._json(found.description())
                case "/jwks":
                    self._json(found.keys())
                case "/userinfo" if self.headers["Authorization"] == "Bearer access":
                    self._send(200, *found.info())
                case _:
                    self._send(404, "text/plain", b"")

        def do_POST(self) -> None:
            found.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = found.tokens({name: values[0] for name, values in parse_qs(body).items()})
            if answer is None:
                self._send(400, "application/json", b'{"error": "invalid_grant"}')
            else:
                self._json(answer)

        def _json(self, values: dict[str, Any]) -> None:
            self._send(200, "application/json", json.dumps(values).encode())

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(503 if found.down else status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Provider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
