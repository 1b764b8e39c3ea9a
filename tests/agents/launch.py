"""How each program is pointed at Codriver: the settings it reads, its environment, its command line.

One function per package. Nothing comes from the machine: HOME is fresh, the environment empty but for what is
written here, and the key is the daemon's token.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from install import Client

HERE = Path(__file__).parent
MODEL = "auto"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one run takes place: the client's files, its fresh home, the repository, the endpoint, the task."""

    client: Client
    folder: Path
    home: Path
    repository: Path
    base: str
    key: str
    task: str
    file: str

    def program(self, name: str) -> str:
        """A program that the client's package brought along."""
        inside = "node_modules/.bin" if self.client.npm else "bin"
        return str(self.folder / inside / name)

    def write(self, name: str, text: str) -> Path:
        """A settings file in the home."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def wire(self) -> str:
        return self.client.wire


@dataclass(frozen=True, slots=True)
class Launch:
    """A command and what its environment has besides the common."""

    command: tuple[str, ...]
    environ: Mapping[str, str]


def launch(place: Place) -> Launch:
    """The command and the whole environment of one client."""
    made = _LAUNCHES.get(place.client.package, _script)(place)
    return Launch(made.command, {**_bare(place), **made.environ})


def _bare(place: Place) -> dict[str, str]:
    """An empty environment: where programs lie, a home, a language."""
    folders = [place.folder / "bin", *(Path(found).parent for name in ("node", "git") if (found := shutil.which(name)))]
    path = [str(folder) for folder in folders] + ["/usr/bin", "/bin"]
    return {
        "PATH": os.pathsep.join(dict.fromkeys(path)),
        "HOME": str(place.home),
        "TMPDIR": str(place.home / "tmp"),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "DO_NOT_TRACK": "1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }


def _claude_code(place: Place) -> Launch:
    return Launch(
        (place.program("claude"), "-p", "--model", MODEL, "--permission-mode", "acceptEdits", place.task),
        {
            "ANTHROPIC_BASE_URL": place.base,
            "ANTHROPIC_API_KEY": place.key,
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
    )


def _codex(place: Place) -> Launch:
    place.write(
        ".codex/config.toml",
        f'model = "{MODEL}"\nmodel_provider = "codriver"\ncheck_for_update_on_startup = false\n'
        f'[model_providers.codriver]\nname = "Codriver"\nbase_url = "{place.base}/v1"\n'
        'env_key = "CODRIVER_KEY"\nwire_api = "responses"\n',
    )
    command = (place.program("codex"), "exec", "--dangerously-bypass-approvals-and-sandbox", place.task)
    return Launch(command, {"CODRIVER_KEY": place.key})


def _gemini_cli(place: Place) -> Launch:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {"disableAutoUpdate": True, "disableUpdateNag": True},
        "privacy": {"usageStatisticsEnabled": False},
    }
    place.write(".gemini/settings.json", json.dumps(settings))
    return Launch(
        (place.program("gemini"), "--yolo", "--skip-trust", "-m", MODEL, "-p", place.task),
        {"GOOGLE_GEMINI_BASE_URL": place.base, "GEMINI_API_KEY": place.key},
    )


def _opencode(place: Place) -> Launch:
    library = {
        "openai_chat": "@ai-sdk/openai-compatible",
        "openai_responses": "@ai-sdk/openai",
        "anthropic": "@ai-sdk/anthropic",
    }[place.wire]
    provider = {
        "npm": library,
        "name": "Codriver",
        "options": {"baseURL": f"{place.base}/v1", "apiKey": place.key},
        "models": {MODEL: {"name": MODEL, "limit": {"context": 128000, "output": 8192}}},
    }
    settings = {"provider": {"codriver": provider}, "model": f"codriver/{MODEL}", "share": "disabled"}
    place.write(".config/opencode/opencode.json", json.dumps(settings))
    return Launch(
        (place.program("opencode"), "run", "--auto", place.task),
        {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"},
    )


def _qwen_code(place: Place) -> Launch:
    if place.wire == "anthropic":
        kind, environ = "anthropic", {"ANTHROPIC_BASE_URL": place.base, "ANTHROPIC_API_KEY": place.key}
    else:
        kind, environ = "openai", {"OPENAI_BASE_URL": f"{place.base}/v1", "OPENAI_API_KEY": place.key}
    settings = {"general": {"disableAutoUpdate": True}, "privacy": {"usageStatisticsEnabled": False}}
    place.write(".qwen/settings.json", json.dumps(settings))
    command = (place.program("qwen"), "--auth-type", kind, "--yolo", "-m", MODEL, "-p", place.task)
    return Launch(command, {**environ, "ANTHROPIC_MODEL": MODEL, "OPENAI_MODEL": MODEL})


def _cline(place: Place) -> Launch:
    """Its `auth` command keeps neither key nor address for every provider, so the file is written."""
    provider = "anthropic" if place.wire == "anthropic" else "openai-compatible"
    settings = {"provider": provider, "apiKey": place.key, "model": MODEL, "baseUrl": f"{place.base}/v1"}
    entry = {"settings": settings, "updatedAt": "2026-01-01T00:00:00.000Z", "tokenSource": "manual"}
    document = {"version": 1, "lastUsedProvider": provider, "modes": {}, "providers": {provider: entry}}
    place.write(".cline/data/settings/providers.json", json.dumps(document))
    command = (place.program("cline"), "-P", provider, "-m", MODEL, "--json", place.task)
    return Launch(command, {"CLINE_NO_AUTO_UPDATE": "1"})


def _continue(place: Place) -> Launch:
    provider = "anthropic" if place.wire == "anthropic" else "openai"
    model = {
        "name": MODEL,
        "provider": provider,
        "model": MODEL,
        "apiBase": f"{place.base}/v1",
        "apiKey": place.key,
        "roles": ["chat"],
        "capabilities": ["tool_use"],
    }
    # JSON is YAML.
    document = json.dumps({"name": "Codriver", "version": "1.0.0", "schema": "v1", "models": [model]})
    path = place.write("continue.yaml", document)
    command = (place.program("cn"), "-p", "--auto", "--config", str(path), place.task)
    return Launch(command, {"CONTINUE_TELEMETRY_ENABLED": "0"})


def _pi(place: Place) -> Launch:
    api, base = {
        "openai_chat": ("openai-completions", f"{place.base}/v1"),
        "openai_responses": ("openai-responses", f"{place.base}/v1"),
        "anthropic": ("anthropic-messages", place.base),
    }[place.wire]
    model = {
        "id": MODEL,
        "name": MODEL,
        "reasoning": place.wire != "openai_chat",
        "input": ["text"],
        "contextWindow": 128000,
        "maxTokens": 8192,
        "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
    }
    provider = {"baseUrl": base, "api": api, "apiKey": place.key, "models": [model]}
    place.write(".pi/agent/models.json", json.dumps({"providers": {"codriver": provider}}))
    command = (place.program("pi"), "--offline", "-p", "--provider", "codriver", "--model", MODEL, place.task)
    return Launch(command, {})


def _aider(place: Place) -> Launch:
    if place.wire == "anthropic":
        prefix, environ = "anthropic", {"ANTHROPIC_API_BASE": place.base, "ANTHROPIC_API_KEY": place.key}
    else:
        prefix, environ = "openai", {"OPENAI_API_BASE": f"{place.base}/v1", "OPENAI_API_KEY": place.key}
    quiet = ("--no-check-update", "--no-show-model-warnings", "--analytics-disable", "--no-show-release-notes")
    model = f"{prefix}/{MODEL}"
    command = (place.program("aider"), "--model", model, "--yes-always", *quiet, "--message", place.task, place.file)
    return Launch(command, environ)


def _llm_cli(place: Place) -> Launch:
    model = {
        "model_id": "codriver",
        "model_name": MODEL,
        "api_base": f"{place.base}/v1",
        "api_key_name": "codriver",
        "supports_tools": True,
    }
    folder = place.write("llm/extra-openai-models.yaml", json.dumps([model])).parent
    (folder / "keys.json").write_text(json.dumps({"codriver": place.key}), encoding="utf-8")
    functions = str(HERE / "scripts" / "functions.py")
    command = (place.program("llm"), "-m", "codriver", "--functions", functions, place.task)
    return Launch(command, {"LLM_USER_PATH": str(folder)})


def _mini_swe_agent(place: Place) -> Launch:
    text = ("-c", "mini_textbased.yaml", "--model-class", "litellm_textbased") if "text" in place.client.name else ()
    command = (place.program("mini"), "-y", "--exit-immediately", *text, "-m", f"openai/{MODEL}", "-t", place.task)
    return Launch(
        command,
        {
            "OPENAI_API_BASE": f"{place.base}/v1",
            "OPENAI_API_KEY": place.key,
            "MSWEA_CONFIGURED": "true",
            "MSWEA_COST_TRACKING": "ignore_errors",
        },
    )


def _script(place: Place) -> Launch:
    """A library: its script, run with its own Python."""
    script = HERE / "scripts" / _SCRIPTS[place.client.package]
    environ = {
        "AGENT_BASE": place.base,
        "AGENT_KEY": place.key,
        "AGENT_MODEL": MODEL,
        "AGENT_WIRE": place.wire,
        "AGENT_TASK": place.task,
        "AGENT_SETUP": place.client.name,
    }
    return Launch((place.program("python"), str(script)), environ)


_LAUNCHES: Mapping[str, Callable[[Place], Launch]] = {
    "claude-code": _claude_code,
    "codex": _codex,
    "gemini-cli": _gemini_cli,
    "opencode": _opencode,
    "qwen-code": _qwen_code,
    "cline": _cline,
    "continue": _continue,
    "pi": _pi,
    "aider": _aider,
    "llm-cli": _llm_cli,
    "mini-swe-agent": _mini_swe_agent,
}
# Not the libraries' own names, which a script's folder would hide.
_SCRIPTS: Mapping[str, str] = {
    "open-interpreter": "open_interpreter_chat.py",
    "smolagents": "smolagents_agent.py",
    "langchain": "langchain_agent.py",
    "llamaindex": "llamaindex_agent.py",
    "instructor": "instructor_extract.py",
    "pydantic-ai": "pydantic_ai_agent.py",
    "openai-agents": "openai_agents_runner.py",
    "litellm-sdk": "litellm_loop.py",
    "sdk": "sdk_loop.py",
}
