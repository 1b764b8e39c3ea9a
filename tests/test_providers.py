"""The shipped providers: every file loads, says what to set, and its addresses come out as its maker wrote them."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from codriver import catalog
from codriver.app.fleet import assembled
from codriver.catalog import Catalog
from codriver.config import Settings
from codriver.errors import ConfigError
from codriver.model.provider import Provider
from codriver.upstream import logins
from codriver.upstream.keys import Keys

SHIPPED = {path.stem for path in catalog.SHIPPED.glob("*.toml")} - {"simulator"}
NAMED = {
    "openai", "anthropic", "azure", "deepseek", "qwen", "zhipu", "zai", "moonshot", "qianfan", "mistral",
    "codestral", "xai", "groq", "together", "fireworks", "openrouter", "minimax", "cerebras", "github", "vertex",
    "bedrock", "ollama", "llamacpp", "vllm", "lmstudio",
}  # fmt: skip
ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / ".env.example").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def load(environ: dict[str, str] | None = None, **providers: Any) -> Catalog:
    return catalog.load(Settings.model_validate({"providers": providers}), environ=environ or {})


def one(name: str, environ: dict[str, str] | None = None, **table: Any) -> Provider:
    return load(environ, **({name: table} if table else {})).providers[name]


def why(name: str, environ: dict[str, str], **table: Any) -> str:
    """Why a provider is not available in an environment."""
    loaded = load(environ, **({name: table} if table else {}))
    made = assembled(Settings(), loaded, Keys(environ), "")
    return next(offer.missing for offer in made.offers if offer.provider.name == name)


def test_all_that_were_promised_are_there() -> None:
    assert NAMED <= SHIPPED


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_wire_is_known_and_every_name_can_be_filled(name: str) -> None:
    provider = one(name)
    for wire, path in provider.wires.items():
        importlib.import_module(f"codriver.wire.{wire}")
        assert path.startswith("/")
    for model in provider.models:
        assert set(model.wires) <= set(provider.wires), model.key
    if provider.login:
        extra = importlib.import_module(f"codriver.upstream.logins.{provider.login}").EXTRA
        assert extra in PROJECT["project"]["optional-dependencies"]
    assert provider.local or provider.key_env or provider.login


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_variable_is_in_the_example(name: str) -> None:
    told = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))
    provider = one(name)
    assert set(provider.key_env) <= told
    for variable in re.findall(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+", provider.lacks):
        assert variable in told


def test_no_two_providers_take_the_same_key() -> None:
    names = [variable for provider in load().providers.values() for variable in provider.key_env]
    assert len(names) == len(set(names))


def test_a_token_for_something_else_is_no_wish_to_send_code_there() -> None:
    """GITHUB_TOKEN is in every pipeline, and AWS credentials on many machines."""
    assert "GITHUB_TOKEN" not in one("github").key_env
    assert why("github", {"GITHUB_TOKEN": "t"})
    assert not why("github", {"GITHUB_TOKEN": "t"}, key="env:GITHUB_TOKEN")


V1 = "https://acme.openai.azure.com"
MODEL = "/v1/projects/p-1/locations/{}/publishers/{}/models/"
ADDRESSES = [
    ("azure", {"AZURE_OPENAI_ENDPOINT": f"{V1}/"}, "openai_chat", f"{V1}/openai/v1/chat/completions"),
    ("azure", {"AZURE_OPENAI_ENDPOINT": f"{V1}/openai/v1/"}, "openai_chat", f"{V1}/openai/v1/chat/completions"),
    ("azure", {"AZURE_API_BASE": f"{V1}/openai"}, "openai_responses", f"{V1}/openai/v1/responses"),
    ("azure", {"AZURE_RESOURCE_NAME": "acme"}, "openai_embeddings", f"{V1}/openai/v1/embeddings"),
    ("azure", {"AZURE_RESOURCE_NAME": "acme", "OPENAI_API_VERSION": "2024-10-21"}, "openai_chat",
     f"{V1}/openai/deployments/{{model}}/chat/completions?api-version=2024-10-21"),
    ("azure", {"AZURE_RESOURCE_NAME": "acme", "AZURE_API_VERSION": "2025-04-01-preview"}, "openai_responses",
     f"{V1}/openai/responses?api-version=2025-04-01-preview"),
    # What newer tools write there is no date: then the newer addresses hold.
    ("azure", {"AZURE_RESOURCE_NAME": "acme", "AZURE_OPENAI_API_VERSION": "v1"}, "openai_chat",
     f"{V1}/openai/v1/chat/completions"),
    ("vertex", {"GOOGLE_CLOUD_PROJECT": "p-1"}, "gemini",
     "https://aiplatform.googleapis.com" + MODEL.format("global", "google") + "{model}:{action}"),
    ("vertex", {"GOOGLE_CLOUD_PROJECT": "p-1", "GOOGLE_CLOUD_LOCATION": "europe-west4"}, "gemini",
     "https://europe-west4-aiplatform.googleapis.com" + MODEL.format("europe-west4", "google") + "{model}:{action}"),
    ("vertex", {"ANTHROPIC_VERTEX_PROJECT_ID": "p-1", "CLOUD_ML_REGION": "us"}, "anthropic",
     "https://aiplatform.us.rep.googleapis.com" + MODEL.format("us", "anthropic")
     + "{model}:{rawPredict|streamRawPredict}"),
    ("bedrock", {"AWS_REGION": "eu-west-1"}, "openai_chat",
     "https://bedrock-mantle.eu-west-1.api.aws/v1/chat/completions"),
    ("bedrock", {"AWS_DEFAULT_REGION": "us-gov-west-1"}, "anthropic",
     "https://bedrock-mantle.us-gov-west-1.api.aws/anthropic/v1/messages"),
    ("bedrock", {"AWS_REGION": "us-east-2"}, "openai_responses",
     "https://bedrock-mantle.us-east-2.api.aws/openai/v1/responses"),
    ("qwen", {}, "openai_chat", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions"),
    ("qwen", {"DASHSCOPE_REGION": "cn"}, "anthropic", "https://dashscope.aliyuncs.com/apps/anthropic/v1/messages"),
    ("moonshot", {}, "openai_chat", "https://api.moonshot.ai/v1/chat/completions"),
    ("moonshot", {"MOONSHOT_BASE_URL": "https://api.moonshot.cn/v1"}, "anthropic",
     "https://api.moonshot.cn/anthropic/v1/messages"),
    ("minimax", {"MINIMAX_BASE_URL": "https://api.minimaxi.com/v1/"}, "anthropic",
     "https://api.minimaxi.com/anthropic/v1/messages"),
    ("zai", {}, "openai_chat", "https://api.z.ai/api/paas/v4/chat/completions"),
    ("zhipu", {}, "openai_chat", "https://open.bigmodel.cn/api/paas/v4/chat/completions"),
    ("qianfan", {}, "openai_chat", "https://qianfan.baidubce.com/v2/chat/completions"),
    ("mistral", {}, "mistral_fim", "https://api.mistral.ai/v1/fim/completions"),
    ("codestral", {}, "mistral_fim", "https://codestral.mistral.ai/v1/fim/completions"),
    ("groq", {}, "openai_chat", "https://api.groq.com/openai/v1/chat/completions"),
    ("openrouter", {}, "anthropic", "https://openrouter.ai/api/v1/messages"),
    ("github", {}, "openai_chat", "https://models.github.ai/inference/chat/completions"),
    ("fireworks", {}, "openai_chat", "https://api.fireworks.ai/inference/v1/chat/completions"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "environ", "wire", "address"), ADDRESSES)
def test_addresses(name: str, environ: dict[str, str], wire: str, address: str) -> None:
    provider = one(name, environ)
    assert provider.lacks == ""
    assert provider.base_url + provider.wires[wire] == address


def test_what_the_user_wrote_goes_over_the_environment() -> None:
    own = one("qwen", {"DASHSCOPE_REGION": "cn"}, vars={"region": "us"})
    assert urlsplit(own.base_url).hostname == "dashscope-us.aliyuncs.com"
    older = one(
        "bedrock",
        {},
        vars={"host": "https://bedrock-runtime.eu-west-1.amazonaws.com", "region": "eu-west-1", "service": "bedrock"},
        wires={"openai_chat": "/openai/v1/chat/completions"},
    )
    assert older.lacks == "" and older.values["service"] == "bedrock"
    assert older.base_url + older.wires["openai_chat"] == (
        "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1/chat/completions"
    )
    assert {wire for model in older.models for wire in model.wires} == {"openai_chat"}


LACKS: list[tuple[str, dict[str, str], str]] = [
    ("azure", {"AZURE_OPENAI_API_KEY": "k"}, "AZURE_OPENAI_ENDPOINT"),
    ("azure", {"AZURE_RESOURCE_NAME": "acme"}, "AZURE_OPENAI_API_KEY"),
    ("azure", {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "acme.openai.azure.com"}, "is no endpoint"),
    *(
        ("azure", {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": odd}, "is no endpoint")
        for odd in (
            "http://[::1",
            "http://[::::1]",
            "https://acme@evil.example",
            "https://acme.example?x=",
            "https://a b",
            "https://acme.example/openai/deployments/d/chat/completions?api-version=1",
            "https://{resource}.example",
            "https://a.example\\@b.example",
            "https://",
        )
    ),
    ("bedrock", {"AWS_BEARER_TOKEN_BEDROCK": "k"}, "AWS_REGION"),
    ("bedrock", {"AWS_BEARER_TOKEN_BEDROCK": "k", "AWS_REGION": "the/moon"}, "AWS_REGION"),
    ("bedrock", {"AWS_REGION": "eu-west-1", "HOME": "/nowhere"}, "AWS_BEARER_TOKEN_BEDROCK or BEDROCK_API_KEY or AWS_"),
    ("vertex", {"GOOGLE_APPLICATION_CREDENTIALS": "/k.json"}, "GOOGLE_CLOUD_PROJECT"),
    ("qwen", {"DASHSCOPE_API_KEY": "k", "DASHSCOPE_REGION": "mars"}, "DASHSCOPE_REGION"),
    ("groq", {}, "GROQ_API_KEY is not set"),
]


@pytest.mark.parametrize(("name", "environ", "told"), LACKS)
def test_what_is_missing_is_named(name: str, environ: dict[str, str], told: str) -> None:
    assert told in why(name, environ)


@pytest.mark.parametrize(
    ("name", "environ"),
    [
        ("azure", {"AZURE_RESOURCE_NAME": "acme", "AZURE_API_KEY": "k"}),
        ("bedrock", {"AWS_REGION": "eu-west-1", "AWS_BEARER_TOKEN_BEDROCK": "k"}),
        ("qwen", {"DASHSCOPE_API_KEY": "k"}),
    ],
)
def test_with_that_it_is_available(name: str, environ: dict[str, str]) -> None:
    assert why(name, environ) == ""


@pytest.mark.parametrize(
    ("name", "environ", "extra"),
    [
        ("vertex", {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_APPLICATION_CREDENTIALS": "/k.json"}, "vertex"),
        ("bedrock", {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "dev"}, "bedrock"),
        ("azure", {"AZURE_RESOURCE_NAME": "acme", "AZURE_CLIENT_ID": "c"}, "azure"),
    ],
)
def test_a_login_whose_library_is_not_there_says_what_to_install(
    name: str, environ: dict[str, str], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logins, "_installed", lambda library: False)
    assert why(name, environ) == f"signing in needs more: pip install 'codriver[{extra}]'"
    monkeypatch.setattr(logins, "_installed", lambda library: True)
    assert why(name, environ) == ""


def test_a_login_nobody_wrote_is_a_reason_too() -> None:
    own = {"base_url": "https://a.example", "wire": "openai_chat", "login": "kerberos", "models": {"m": {}}}
    assert "kerberos" in why("house", {}, **own)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"vars": {"region": {"env": "AWS_REGION"}}}, "vars.region"),
        ({"base_url": "{nowhere"}, "address"),
        ({"login": 3}, "login"),
    ],
)
def test_a_table_that_is_wrong_is_told(tmp_path: Path, table: dict[str, Any], told: str) -> None:
    with pytest.raises((ConfigError, ValueError)) as caught:
        load(bedrock=table)
    assert told in str(caught.value)


def test_names_that_lead_in_a_circle_are_only_missing() -> None:
    own = {
        "base_url": "https://{a}.example",
        "wire": "openai_chat",
        "models": {"m": {}},
        "vars": {"a": {"default": "{b}"}, "b": {"default": "{a}"}},
    }
    assert "providers.house.vars.a" in one("house", **own).lacks


@pytest.mark.parametrize("name", ["llamacpp", "vllm", "lmstudio"])
def test_local_servers_take_a_key_and_need_none(name: str) -> None:
    provider = one(name)
    assert provider.keyless and provider.local and provider.discover and provider.recognise
    found = load().found(name, ["some-model"])
    made = assembled(Settings(), found, Keys({}), "")
    assert [offer.missing for offer in made.offers if offer.provider.name == name] == [""]
