"""The newest release of a Python package: what its index says of it, and its wheel, held against its checksum."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import msgspec

from codriver.errors import CodriverError
from codriver.upstream.proxies import Transport
from codriver.upstream.response import Timeouts, TransportError

_PATIENT = Timeouts(connect=10.0, first=30.0, between=30.0, total=120.0)

_LARGEST = 32_000_000
"""Bytes of an answer that are taken at most."""


class Unfetched(CodriverError):
    """What was asked for did not come, or not as it should be; the text says which."""


@dataclass(frozen=True, slots=True)
class Release:
    """One wheel of one version: where it is, and the checksum that its index gives. date: of the upload, ISO."""

    version: str
    date: str
    url: str
    sha256: str


class _Info(msgspec.Struct):
    version: str


class _File(msgspec.Struct):
    url: str
    packagetype: str
    digests: dict[str, str]
    upload_time_iso_8601: str = ""
    yanked: bool = False


class _Project(msgspec.Struct):
    info: _Info
    urls: list[_File]


async def newest(network: Transport, index: str) -> Release:
    """The newest release by the index's JSON API (https://docs.pypi.org/api/json/). Raises Unfetched."""
    body = await _get(network, index, _PATIENT)
    try:
        project = msgspec.json.decode(body, type=_Project)
    except (msgspec.DecodeError, UnicodeDecodeError) as bad:
        raise Unfetched(f"{index} did not answer as a package index does ({bad}).") from None
    for file in project.urls:
        if file.packagetype == "bdist_wheel" and not file.yanked and file.digests.get("sha256"):
            url = urljoin(index, file.url)
            if not _safe(url, index):
                raise Unfetched(f"{index} names a wheel at {url}, which is not fetched over https.")
            return Release(project.info.version, file.upload_time_iso_8601[:10], url, file.digests["sha256"])
    raise Unfetched(f"{index} has no wheel of {project.info.version}.")


async def wheel(network: Transport, release: Release) -> bytes:
    """The wheel's bytes, whole and as its index vouches for. Raises Unfetched."""
    body = await _get(network, release.url, _PATIENT)
    if hashlib.sha256(body).hexdigest() != release.sha256.lower():
        raise Unfetched(f"{release.url} is not what its index vouches for: the checksum does not fit.")
    return body


def _safe(url: str, index: str) -> bool:
    """Over https, or from the very place the user named as index."""
    file, named = urlsplit(url), urlsplit(index)
    return file.scheme == "https" or (file.scheme, file.netloc) == (named.scheme, named.netloc)


async def _get(network: Transport, url: str, timeouts: Timeouts) -> bytes:
    try:
        answer = await network.request("GET", url, [(b"accept", b"*/*")], b"", timeouts=timeouts)
        try:
            if answer.status != 200:
                raise Unfetched(f"{url} answered with status {answer.status}.")
            parts, size = [], 0
            async for part in answer.chunks():
                parts.append(part)
                size += len(part)
                if size > _LARGEST:
                    raise Unfetched(f"{url} sends more than {_LARGEST:,} bytes.")
        finally:
            await answer.aclose()
    except TransportError as error:
        raise Unfetched(f"{url} cannot be fetched: {error}.") from None
    return b"".join(parts)
