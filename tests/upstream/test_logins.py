"""Logins: what each shows a provider, when it asks again, and what happens when nobody is signed in.

The clouds' libraries are real, the servers behind them are on loopback. AWS signatures are checked
by the published algorithm, which is itself checked by AWS's published example.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import hmac
import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from codriver.errors import Kind, UpstreamFailed
from codriver.model.provider import Model, Price, Provider
from codriver.upstream import logins
from codriver.upstream.client import Upstream
from codriver.upstream.keys import Keys
from codriver.upstream.logins import LoginFailed, Logins
from codriver.upstream.logins import azure as entra
from codriver.upstream.proxies import Network
from codriver.wire.codec import Call

NOW = 1_800_000_000.0
MODEL = Model("house", "m", "m", 8000, 1000, Price(), {"": 1.0})
HOUSE = Provider(
    "house", "House", "", {"openai_chat": "/v1/chat", "anthropic": "/m/{model}:{rawPredict|streamRawPredict}"},
    login="played", values={"region": "eu-west-1", "service": "bedrock-mantle"},
)  # fmt: skip


def needs(library: str) -> pytest.MarkDecorator:
    try:
        there = importlib.util.find_spec(library) is not None
    except ModuleNotFoundError:
        there = False
    return pytest.mark.skipif(not there, reason=f"{library} is an extra, and not installed here")


class Played:
    """A way to sign in that does as told."""

    EXTRA, LIBRARY = "played", "json"

    def __init__(self) -> None:
        self.opened = self.renewed = 0
        self.lasts, self.clock, self.until = 3600.0, NOW, 0.0
        self.fail = False
        self.gate = threading.Event()
        self.gate.set()

    def absent(self, environ: Any) -> str:
        return ""

    def login(self, provider: Provider, environ: Any) -> Played:
        self.opened += 1
        return self

    def renew(self) -> None:
        assert threading.current_thread() is not threading.main_thread()
        assert self.gate.wait(10)
        self.renewed += 1
        if self.fail:
            raise LoginFailed("the door is shut")
        self.until = self.clock + self.lasts

    def headers(self, method: str, url: str, headers: Any, body: bytes) -> dict[str, str]:
        return {"authorization": f"Bearer token-{self.renewed}"}


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    made = Played()
    monkeypatch.setitem(sys.modules, "codriver.upstream.logins.played", made)
    return made


def shown(held: Logins) -> Any:
    return held.headers(HOUSE, "POST", "https://h.example/v1/chat", [], b"{}")


async def test_all_who_wait_share_one_login(played: Played) -> None:
    held = Logins({}, clock=lambda: NOW)
    played.gate.clear()
    waiting = [asyncio.create_task(shown(held)) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # one that leaves takes nothing from the others
    played.gate.set()
    got = await asyncio.gather(*waiting[1:])
    assert {each["authorization"] for each in got} == {"Bearer token-1"}
    assert (played.opened, played.renewed) == (1, 1)


async def test_a_login_is_renewed_before_it_ends_and_nobody_waits_for_it(played: Played) -> None:
    now = [NOW]
    held = Logins({}, clock=lambda: now[0])
    assert (await shown(held))["authorization"] == "Bearer token-1"
    now[0] = played.clock = NOW + played.lasts - logins.AHEAD - 1
    assert (await shown(held))["authorization"] == "Bearer token-1"
    assert played.renewed == 1
    now[0] = played.clock = NOW + played.lasts - logins.AHEAD + 1
    played.gate.clear()
    assert (await shown(held))["authorization"] == "Bearer token-1"  # at once, though the renewal is under way
    played.gate.set()
    while held._renewing:
        await asyncio.gather(*held._renewing.values())
    assert (await shown(held))["authorization"] == "Bearer token-2"
    assert played.opened == 1


async def test_one_that_has_ended_is_waited_for(played: Played) -> None:
    now = [NOW]
    held = Logins({}, clock=lambda: now[0])
    await shown(held)
    now[0] = played.clock = NOW + played.lasts
    assert (await shown(held))["authorization"] == "Bearer token-2"


async def test_a_renewal_that_fails_ahead_of_time_is_nobodys_trouble(played: Played) -> None:
    now = [NOW]
    held = Logins({}, clock=lambda: now[0])
    await shown(held)
    now[0], played.fail = NOW + played.lasts - 60, True
    assert (await shown(held))["authorization"] == "Bearer token-1"
    await asyncio.gather(*held._renewing.values(), return_exceptions=True)
    now[0] = NOW + played.lasts
    with pytest.raises(LoginFailed, match="the door is shut"):
        await shown(held)


async def test_a_login_that_hangs_is_not_waited_for_long(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "PATIENCE", 0.01)
    played.gate.clear()
    held = Logins({}, clock=lambda: NOW)
    with pytest.raises(LoginFailed, match="longer than"):
        await shown(held)
    played.gate.set()
    await asyncio.gather(*held._renewing.values())


async def answered(peer: Any, asked: Any) -> None:
    await peer.whole(b'{"ok":true}')


async def test_a_key_goes_before_a_login(serve: Any, played: Played) -> None:
    server = await serve(answered)
    upstream = Upstream(Network({}), Keys({"HOUSE_KEY": "sk-1"}), clock=lambda: NOW)
    keyed = replace(HOUSE, base_url=server.url, key_env=("HOUSE_KEY",))
    async with upstream.send(keyed, MODEL, "openai_chat", Call(b"{}"), stream=False):
        pass
    assert server.asked[0].headers["authorization"] == "Bearer sk-1"
    assert played.opened == 0
    await upstream.aclose()


@pytest.mark.parametrize(("stream", "target"), [(False, "/m/m:rawPredict"), (True, "/m/m:streamRawPredict")])
async def test_the_login_is_shown_and_the_path_knows_whole_from_streamed(
    serve: Any, played: Played, stream: bool, target: str
) -> None:
    server = await serve(answered)
    upstream = Upstream(Network({}), Keys({}), clock=lambda: NOW)
    async with upstream.send(replace(HOUSE, base_url=server.url), MODEL, "anthropic", Call(b"{}"), stream=stream):
        pass
    assert server.asked[0].target == target
    assert server.asked[0].headers["authorization"] == "Bearer token-1"
    await upstream.aclose()


async def test_a_refused_token_is_not_shown_again_nor_told(serve: Any, played: Played) -> None:
    async def refusing(peer: Any, asked: Any) -> None:
        if asked.headers["authorization"] == "Bearer token-1":
            await peer.whole(b'{"error":{"message":"Bearer token-1 is stale"}}', status="401 Unauthorized")
        else:
            await peer.whole(b"{}")

    server = await serve(refusing)
    upstream = Upstream(Network({}), Keys({}), clock=lambda: NOW)
    house = replace(HOUSE, base_url=server.url)
    with pytest.raises(UpstreamFailed) as caught:
        await upstream.begin(house, MODEL, "openai_chat", Call(b"{}"), stream=False)
    assert caught.value.failure.kind is Kind.AUTH
    assert "token-1" not in caught.value.failure.message
    async with upstream.send(house, MODEL, "openai_chat", Call(b"{}"), stream=False):
        pass
    assert server.asked[-1].headers["authorization"] == "Bearer token-2"
    await upstream.aclose()


async def test_a_failed_login_is_a_failure_of_the_key(serve: Any, played: Played) -> None:
    played.fail = True
    upstream = Upstream(Network({}), Keys({}), clock=lambda: NOW)
    with pytest.raises(UpstreamFailed) as caught:
        await upstream.begin(
            replace(HOUSE, base_url="http://127.0.0.1:9"), MODEL, "openai_chat", Call(b"{}"), stream=False
        )
    failure = caught.value.failure
    assert (failure.kind, failure.provider, failure.model) == (Kind.AUTH, "house", "house/m")
    assert "the door is shut" in failure.message
    await upstream.aclose()


@pytest.mark.parametrize(
    ("way", "environ", "files", "there"),
    [
        ("sigv4", {}, [], False),
        ("sigv4", {"AWS_PROFILE": "dev"}, [], True),
        ("sigv4", {}, [".aws/credentials"], True),
        ("sigv4", {}, [".aws/config"], True),
        ("azure", {}, [], False),
        ("azure", {"AZURE_CLIENT_ID": "c"}, [], True),
        ("azure", {}, [".azure/azureProfile.json"], True),
        ("google", {}, [], False),
        ("google", {"GOOGLE_APPLICATION_CREDENTIALS": "/k.json"}, [], True),
        ("google", {}, [".config/gcloud/application_default_credentials.json"], True),
    ],
)
def test_whether_there_is_anything_to_sign_in_with(
    way: str, environ: dict[str, str], files: list[str], there: bool, tmp_path: Path
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("")
    absent = importlib.import_module(f"codriver.upstream.logins.{way}").absent({"HOME": str(tmp_path), **environ})
    assert (absent == "") is there


def test_nothing_of_the_clouds_is_imported_before_somebody_signs_in() -> None:
    for name in ("sigv4", "google", "azure"):
        way = importlib.import_module(f"codriver.upstream.logins.{name}")
        assert not {value for value in vars(way).values() if isinstance(value, ModuleType)} & {
            module for title, module in sys.modules.items() if title.startswith(("botocore", "google.auth", "azure."))
        }


# AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html


def signature(
    method: str, path: str, headers: dict[str, str], body: bytes, *, region: str, service: str, secret: str
) -> str:
    """Signature Version 4 over these headers, by the published steps; x-amz-date is among them."""
    date = headers["x-amz-date"]
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    canonical = "\n".join([method, path, "", lines, names, hashlib.sha256(body).hexdigest()])
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (date[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def test_the_oracle_gives_the_published_signature() -> None:
    """get-vanilla of AWS's Signature Version 4 test suite."""
    found = signature(
        "GET", "/", {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}, b"",
        region="us-east-1", service="service", secret="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    )  # fmt: skip
    assert found == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"


@needs("botocore")
@pytest.mark.parametrize("session", ["", "a-session-token"])
async def test_aws_requests_are_signed_as_they_are_sent(
    serve: Any, monkeypatch: pytest.MonkeyPatch, session: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret/key")
    monkeypatch.setenv("AWS_SESSION_TOKEN", session) if session else monkeypatch.delenv("AWS_SESSION_TOKEN", False)
    server = await serve(answered)
    upstream = Upstream(Network({}), Keys({}))
    bedrock = replace(HOUSE, base_url=server.url, login="sigv4")
    body = '{"text":"Zoë"}'.encode()
    async with upstream.send(bedrock, MODEL, "openai_chat", Call(body, {"x-quirk": "1"}), stream=True):
        pass
    (asked,) = server.asked
    scheme, _, fields = asked.headers["authorization"].partition(" ")
    told = dict(field.split("=", 1) for field in fields.split(", "))
    signed = told["SignedHeaders"].split(";")
    assert scheme == "AWS4-HMAC-SHA256"
    assert told["Credential"].endswith("/eu-west-1/bedrock-mantle/aws4_request")
    assert {"host", "x-amz-date", "content-type", "x-quirk"} <= set(signed)
    assert "accept-encoding" not in signed and "user-agent" not in signed  # a proxy may change them
    assert asked.headers.get("x-amz-security-token", "") == session
    assert told["Signature"] == signature(
        "POST", asked.target, {name: asked.headers[name] for name in signed}, asked.body,
        region="eu-west-1", service="bedrock-mantle", secret="secret/key",
    )  # fmt: skip
    await upstream.aclose()


@needs("botocore")
async def test_no_aws_credentials_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(LoginFailed, match="no AWS credentials"):
        await Logins({}).headers(replace(HOUSE, login="sigv4"), "GET", "https://h.example/", [], b"")


async def test_a_signature_needs_a_region() -> None:
    with pytest.raises(LoginFailed, match="AWS_REGION"):
        await Logins({}).headers(replace(HOUSE, login="sigv4", values={}), "GET", "https://h.example/", [], b"")


# Google: a service account's key, whose token server is on loopback.


@pytest.fixture(scope="module")
def service_account() -> Iterator[dict[str, str]]:
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa", reason="comes with the extra vertex")
    from cryptography.hazmat.primitives import serialization

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "client_email": "codriver@p-1.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "project_id": "p-1",
    }


@needs("google.auth")
async def test_google_gives_a_token_for_a_service_account(
    serve: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service_account: dict[str, str]
) -> None:
    async def google(peer: Any, asked: Any) -> None:
        if asked.target == "/token":
            assert b"jwt-bearer" in asked.body
            await peer.whole(
                json.dumps({"access_token": "ya29.x", "expires_in": 3600, "token_type": "Bearer"}).encode()
            )
        else:
            await peer.whole(b"{}")

    server = await serve(google)
    file = tmp_path / "key.json"
    file.write_text(json.dumps({**service_account, "token_uri": f"{server.url}/token"}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    upstream = Upstream(Network({}), Keys({}))
    vertex = replace(HOUSE, base_url=server.url, login="google")
    for _ in range(3):
        async with upstream.send(vertex, MODEL, "anthropic", Call(b"{}"), stream=True):
            pass
    targets = [asked.target for asked in server.asked]
    assert targets == ["/token", *["/m/m:streamRawPredict"] * 3]
    assert {asked.headers["authorization"] for asked in server.asked[1:]} == {"Bearer ya29.x"}
    await upstream.aclose()


@needs("google.auth")
async def test_googles_refusal_is_told(
    serve: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service_account: dict[str, str]
) -> None:
    async def google(peer: Any, asked: Any) -> None:
        await peer.whole(b'{"error":"invalid_grant","error_description":"Account not found"}', status="400 Bad Request")

    server = await serve(google)
    file = tmp_path / "key.json"
    file.write_text(json.dumps({**service_account, "token_uri": f"{server.url}/token"}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    with pytest.raises(LoginFailed, match="Account not found"):
        await Logins({}).headers(replace(HOUSE, login="google"), "GET", f"{server.url}/", [], b"")


# Entra ID: the library's own servers are https only, so its credential is played; what is asked of it is not.


class Credential:
    def __init__(self) -> None:
        self.scopes: list[str] = []

    def get_token(self, scope: str) -> SimpleNamespace:
        self.scopes.append(scope)
        return SimpleNamespace(token=f"eyJ-{len(self.scopes)}", expires_on=int(NOW) + 3600)


@pytest.mark.parametrize("scope", ["https://cognitiveservices.azure.com/.default", "https://ai.azure.com/.default"])
async def test_entra_is_asked_for_a_token_of_the_scope(monkeypatch: pytest.MonkeyPatch, scope: str) -> None:
    credential = Credential()
    identity = ModuleType("azure.identity")
    identity.DefaultAzureCredential = lambda: credential
    monkeypatch.setitem(sys.modules, "azure", ModuleType("azure"))
    monkeypatch.setitem(sys.modules, "azure.identity", identity)
    house = replace(HOUSE, login="azure", values={"scope": scope})
    held = Logins({}, clock=lambda: NOW)
    for _ in range(3):
        got = await held.headers(house, "POST", "https://acme.openai.azure.com/openai/v1/x", [], b"")
        assert got == {"authorization": "Bearer eyJ-1"}
    assert credential.scopes == [scope]


@needs("azure.identity")
def test_the_library_has_what_is_used_of_it() -> None:
    identity = importlib.import_module("azure.identity")
    token = entra.login(replace(HOUSE, login="azure", values={}), {})
    assert callable(identity.DefaultAzureCredential().get_token)
    assert token.until < NOW


def test_googles_clock_is_utc() -> None:
    """Its library tells the end of a token without a zone."""
    from codriver.upstream.logins.google import Token

    end = datetime.datetime.fromtimestamp(NOW, datetime.UTC).replace(tzinfo=None)
    token = Token(SimpleNamespace(refresh=lambda ask: None, expiry=end))
    token.renew()
    assert token.until == NOW
