"""AWS: each request is signed with the user's own credentials, whichever way botocore finds them.

Environment, profiles, single sign-on, roles and machines' own identities: botocore's chain, and its signer.
"""

from __future__ import annotations

import importlib
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codriver.model.provider import Provider
from codriver.upstream.logins import Headers, LoginFailed

EXTRA = "bedrock"
LIBRARY = "botocore"

# botocore renews what ends soon when it is asked, at the latest ten minutes before; so it is asked this often.
_ASK_EVERY = 300.0 + 120.0
_VARIABLES = (
    "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)  # fmt: skip
# What a proxy may change on the way, and what describes the connection, is not signed.
_UNSIGNED = frozenset((b"accept-encoding", b"user-agent", b"accept", b"connection"))
_SHOWN = ("authorization", "x-amz-date", "x-amz-security-token")


def absent(environ: Mapping[str, str]) -> str:
    """What to set when there are no credentials to be seen."""
    if any(environ.get(name) for name in _VARIABLES):
        return ""
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")) / ".aws"
    files = (environ.get("AWS_SHARED_CREDENTIALS_FILE"), environ.get("AWS_CONFIG_FILE"))
    if any(file and Path(file).exists() for file in files) or (home / "credentials").exists():
        return ""
    return "" if (home / "config").exists() else "AWS_ACCESS_KEY_ID or AWS_PROFILE"


def login(provider: Provider, environ: Mapping[str, str]) -> Signer:
    """Finds the credentials; the provider's values name region and service."""
    region = provider.values.get("region")
    if not region:
        raise LoginFailed("signing needs a region. Set AWS_REGION")
    session = importlib.import_module("botocore.session").Session()
    try:
        credentials = session.get_credentials()
    except Exception as error:  # botocore's own have no common class, and it runs the user's programs
        raise LoginFailed(f"AWS credentials cannot be read: {error}") from error
    if credentials is None:
        raise LoginFailed("there are no AWS credentials. Run `aws configure` or `aws sso login`")
    return Signer(credentials, provider.values["region"], provider.values.get("service", "bedrock"))


class Signer:
    """Credentials, for one region and service. until: when botocore is asked again."""

    def __init__(self, credentials: Any, region: str, service: str) -> None:
        self._credentials, self._region, self._service = credentials, region, service
        self._auth = importlib.import_module("botocore.auth").SigV4Auth
        self._request = importlib.import_module("botocore.awsrequest").AWSRequest
        self._frozen: Any = None
        self.until = -math.inf

    def renew(self) -> None:
        """Raises LoginFailed when a session is over and cannot be renewed without the user."""
        try:
            self._frozen = self._credentials.get_frozen_credentials()
        except Exception as error:  # as above
            raise LoginFailed(f"AWS credentials cannot be renewed: {error}") from error
        self.until = time.time() + _ASK_EVERY

    def headers(self, method: str, url: str, headers: Headers, body: bytes) -> dict[str, str]:
        """The signature over method, URL, headers and body: Signature Version 4."""
        signed = {name.decode(): value.decode("latin-1") for name, value in headers if name not in _UNSIGNED}
        request = self._request(method=method, url=url, data=body, headers=signed)
        self._auth(self._frozen, self._service, self._region).add_auth(request)
        made = {name.lower(): value for name, value in request.headers.items()}
        return {name: str(made[name]) for name in _SHOWN if name in made}
