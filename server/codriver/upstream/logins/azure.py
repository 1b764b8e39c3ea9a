"""Microsoft Entra ID: whoever azure-identity finds signed in (az login, a service principal, a machine), as a token."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codriver.model.provider import Provider
from codriver.upstream.logins import Headers, LoginFailed

EXTRA = "azure"
LIBRARY = "azure.identity"

_SCOPE = "https://cognitiveservices.azure.com/.default"
_VARIABLES = ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT", "MSI_ENDPOINT")


def absent(environ: Mapping[str, str]) -> str:
    """What to set when there is nobody signed in to be seen."""
    if any(environ.get(name) for name in _VARIABLES):
        return ""
    folder = environ.get("AZURE_CONFIG_DIR") or os.path.join(
        environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~"), ".azure"
    )
    return "" if (Path(folder) / "azureProfile.json").exists() else "AZURE_CLIENT_ID (or `az login`)"


def login(provider: Provider, environ: Mapping[str, str]) -> Token:
    """The chain of azure-identity; the provider's value `scope` says what the token is for."""
    identity = importlib.import_module("azure.identity")
    return Token(identity.DefaultAzureCredential(), provider.values.get("scope", _SCOPE))


class Token:
    """An access token and its end."""

    def __init__(self, credential: Any, scope: str) -> None:
        self._credential, self._scope = credential, scope
        self._token = ""
        self.until = -math.inf

    def renew(self) -> None:
        """Raises LoginFailed; the library's text lists every way it tried."""
        try:
            granted = self._credential.get_token(self._scope)
        except Exception as error:  # the library has a class for each way it tried
            raise LoginFailed(f"Entra ID gave no token: {error}") from error
        self._token, self.until = granted.token, float(granted.expires_on)

    def headers(self, method: str, url: str, headers: Headers, body: bytes) -> dict[str, str]:
        """The token."""
        return {"authorization": f"Bearer {self._token}"}
