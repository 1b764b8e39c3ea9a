"""How others on this machine reach an address that is listened on."""

from __future__ import annotations

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (to go to in their place; nobody listens here)


def reached(host: str) -> str:
    """The host to go to: a wildcard is one to listen on."""
    return _WILDCARDS.get(host, host)


def base_url(host: str, port: int) -> str:
    """Scheme, host and port, without a slash behind."""
    host = reached(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
