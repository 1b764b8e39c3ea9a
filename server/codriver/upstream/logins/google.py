"""Google Cloud: application default credentials, whichever way google-auth finds them, as a bearer token."""

from __future__ import annotations

import datetime
import importlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codriver.model.provider import Provider
from codriver.upstream.logins import Headers, LoginFailed

EXTRA = "vertex"
LIBRARY = "google.auth"

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_ASK_SECONDS = 10.0


def absent(environ: Mapping[str, str]) -> str:
    """What to set when there are no credentials to be seen. A machine of Google's has none that can be."""
    named = environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if named or environ.get("K_SERVICE") or environ.get("GCE_METADATA_HOST"):
        return ""
    home = environ.get("CLOUDSDK_CONFIG") or (
        os.path.join(environ["APPDATA"], "gcloud")
        if environ.get("APPDATA")
        else os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".config", "gcloud")
    )
    known = (Path(home) / "application_default_credentials.json").exists()
    on_google = Path("/sys/class/dmi/id/product_name")
    if known or (on_google.exists() and "Google" in on_google.read_text(errors="replace")):
        return ""
    return "GOOGLE_APPLICATION_CREDENTIALS (or `gcloud auth application-default login`)"


def login(provider: Provider, environ: Mapping[str, str]) -> Token:
    """Finds the credentials."""
    auth = importlib.import_module("google.auth")
    try:
        credentials, _ = auth.default(scopes=[_SCOPE], request=_ask)
    except Exception as error:  # the library's own, and whatever its transport raises
        raise LoginFailed(f"there are no Google credentials: {error}") from error
    return Token(credentials)


class Token:
    """An access token and its end."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials
        self.until = -math.inf

    def renew(self) -> None:
        """Raises LoginFailed with Google's own words."""
        try:
            self._credentials.refresh(_ask)
        except Exception as error:  # as above
            raise LoginFailed(f"Google gave no token: {error}") from error
        end = self._credentials.expiry
        self.until = end.replace(tzinfo=datetime.UTC).timestamp() if end else math.inf

    def headers(self, method: str, url: str, headers: Headers, body: bytes) -> dict[str, str]:
        """The token, and the project that is billed for user credentials."""
        made: dict[str, str] = {}
        self._credentials.apply(made)
        return {name.lower(): value for name, value in made.items()}


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer, in the form google-auth reads."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def _ask(
    url: str,
    method: str = "GET",
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    **_: Any,
) -> _Said:
    """google-auth's transport, so that it needs no second HTTP library."""
    import httpx  # 65 ms, and this is a thread's first use

    try:
        said = httpx.request(method, url, content=body, headers=dict(headers or {}), timeout=timeout or _ASK_SECONDS)
    except httpx.HTTPError as error:
        raise importlib.import_module("google.auth.exceptions").TransportError(error) from error
    return _Said(said.status_code, said.headers, said.content)
