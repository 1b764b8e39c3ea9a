"""The extension in a real VS Code: `make test-vscode-real`, or `python vscode_real.py --server .venv/bin/codriver`.

Installs the editor once (vscode_setup.py), packages the extension with the server's wheel, and plays vscode_steps.mjs.
Exit code 1 when a step fails. Where a registry is missing it says so loudly and ends with 0, or with --must with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import vscode_setup

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 1800
PROBES = {"chat": ("codriver-tests", "probe"), "other": ("tabbyml", "vscode-tabby")}
"""Extensions played by the tests (vscode_probe/), by their scripts: publisher and name."""
PICTURES = ("ghost", "review", "refactor", "dashboard")
"""What the README and the walkthrough show."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="", help="use this codriver; otherwise the extension installs its own")
    parser.add_argument("--vsix", type=Path, help="a package made before")
    parser.add_argument("--shots", type=Path, help="where pictures go; default: a folder that is named at the end")
    parser.add_argument("--pictures", action="store_true", help="put the pictures of the README into the extension")
    parser.add_argument("--only", default="", help="steps whose names have one of these words, by commas")
    parser.add_argument("--must", action="store_true", help="fail where the editor cannot be installed")
    arguments = parser.parse_args()
    try:
        tools = vscode_setup.tools()
    except vscode_setup.Unavailable as why:
        print(f"SKIPPED, NOT RUN: the extension in a real VS Code. {why}", file=sys.stderr)
        return int(arguments.must)
    vsix = arguments.vsix or _package(tools)
    shots = arguments.shots or Path(tempfile.mkdtemp(prefix="codriver-shots-"))
    shots.mkdir(parents=True, exist_ok=True)
    print(f"VS Code {tools.version}, pictures in {shots}", flush=True)
    code = _play(tools, vsix.absolute(), shots.absolute(), arguments.server, arguments.only)
    if code == 0 and arguments.pictures:
        for name in PICTURES:
            shutil.copy(shots / f"{name}.png", ROOT / "vscode-extension" / "media")
    return code


def _package(tools: vscode_setup.Tools) -> Path:
    """The .vsix of the sources as they are. Raises RuntimeError."""
    sys.path.insert(0, str(ROOT / "server" / "tools"))
    from build_vsix import build

    folder = vscode_setup.cache() / "build"
    environ = {**os.environ, "PATH": f"{tools.path}{os.pathsep}{os.environ.get('PATH', '')}"}
    return build(folder, folder / "extension", environ=environ)


def _probe(script: str, folder: Path) -> Path:
    """A played extension as a package: its script, with one command of that name."""
    publisher, name = PROBES[script]
    manifest = {
        "name": name, "publisher": publisher, "version": "0.0.1", "engines": {"vscode": "^1.104.0"},
        "main": "./main.js", "activationEvents": [],
        "contributes": {"commands": [{"command": f"probe.{script}", "title": f"Probe: {script}"}]},
    }  # fmt: skip
    identity = f'<Identity Language="en-US" Id="{name}" Version="0.0.1" Publisher="{publisher}"/>'
    asset = '<Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>'
    schema = 'Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011"'
    target = '<Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation><Dependencies/>'
    about = f"<Metadata>{identity}<DisplayName>{name}</DisplayName></Metadata>{target}<Assets>{asset}</Assets>"
    package = folder / f"{name}.vsix"
    with zipfile.ZipFile(package, "w") as out:
        out.writestr("extension.vsixmanifest", f"<PackageManifest {schema}>{about}</PackageManifest>")
        out.writestr("extension/package.json", json.dumps(manifest))
        out.write(HERE / "vscode_probe" / f"{script}.js", "extension/main.js")
    return package


def _play(tools: vscode_setup.Tools, vsix: Path, shots: Path, server: str, only: str) -> int:
    job = {
        "modules": tools.modules,
        "browser": tools.browser,
        "packages": [str(vsix), *(str(_probe(script, shots)) for script in PROBES)],
        "shots": str(shots),
        "failed": str(shots),
        "server": os.path.abspath(server) if server else "",
        "only": only,
        "path": "/usr/local/bin:/usr/bin:/bin",
        "pip": str(vscode_setup.cache() / "pip"),
    }
    script = HERE / "vscode_real.mjs"
    done = subprocess.run(
        [tools.node, str(script)], env={**os.environ, "JOB": json.dumps(job)}, timeout=SECONDS, check=False
    )
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main())
