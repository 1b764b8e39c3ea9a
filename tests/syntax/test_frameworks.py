"""Frameworks from imports and manifests, and what code is for."""

from __future__ import annotations

import pytest

from codriver.syntax import frameworks, languages, manifests
from codriver.syntax.analysis import analyze


@pytest.mark.parametrize(
    ("path", "source", "imports", "found", "domain"),
    [
        (
            "shop/views.py",
            "import os, django.db.models as m\nfrom rest import x\ntry:\n  import numpy as np\nexcept E: pass",
            ("os", "django.db.models", "rest", "numpy"),
            ("django", "numpy"),
            "backend",
        ),
        (
            "train.py",
            "import torch\nfrom torch.nn import Module\nimport pandas",
            ("torch", "torch.nn", "pandas"),
            ("pytorch", "pandas"),
            "ml",
        ),
        ("tests/test_a.py", "import django", ("django",), ("django",), "tests"),
        ("a.py", "import pytest, django", ("pytest", "django"), ("pytest", "django"), "tests"),
        ("rel.py", "from . import a\nfrom .b import c", (".", ".b"), (), ""),
        (
            "App.tsx",
            'import React, {\n  useState,\n} from "react";\nimport "./a.css";\n'
            'export * from "./b";\nconst x = require("lodash/fp")',
            ("react", "./a.css", "./b", "lodash/fp"),
            ("react",),
            "frontend",
        ),
        ("server.mjs", "import express from 'express'", ("express",), ("express",), "backend"),
        ("app.js", 'const { app } = await import("@angular/core")', ("@angular/core",), ("angular",), "frontend"),
        (
            "m.go",
            'package m\nimport "os"\nimport (\n g "github.com/gin-gonic/gin"\n _ "net/http"\n)',
            ("os", "github.com/gin-gonic/gin", "net/http"),
            ("gin", "net-http"),
            "backend",
        ),
        ("m_test.go", "package m", (), (), "tests"),
        (
            "a.rs",
            "use tokio::net::TcpStream;\npub(crate) use serde::{Serialize, de as d};\nextern crate libc;",
            ("tokio::net::TcpStream", "serde", "libc"),
            ("tokio", "serde", "posix"),
            "systems",
        ),
        (
            "A.java",
            "import org.springframework.web.bind.*;\nimport static org.junit.Assert.*;",
            ("org.springframework.web.bind", "org.junit.Assert"),
            ("spring", "junit"),
            "tests",
        ),
        (
            "w.cpp",
            '#ifdef X\n#include <QtWidgets/QLabel>\n#endif\n#include "a.h"',
            ("QtWidgets/QLabel", "a.h"),
            ("qt",),
            "frontend",
        ),
        ("a.rb", "require 'sinatra/base'\nrequire_relative './x'", ("sinatra/base", "./x"), ("sinatra",), "backend"),
        (
            "a.php",
            "<?php\nnamespace A;\nuse Symfony\\Component\\Http;\nuse function B\\c;",
            ("Symfony\\Component\\Http", "B\\c"),
            ("symfony",),
            "backend",
        ),
        ("README.md", "# import django", (), (), "docs"),
        ("main.c", "int main(void) { return 0; }", (), (), "systems"),
    ],
)
def test_of_a_file(path: str, source: str, imports: tuple, found: tuple, domain: str) -> None:
    buffer = analyze(path, source.encode())
    assert buffer.imports() == imports
    facts = buffer.facts()
    assert (facts.frameworks, facts.domain) == (found, domain)


PYPROJECT = """
[project]
dependencies = ["FastAPI[all]>=0.1", "typing_extensions"]
[project.optional-dependencies]
dev = ["pytest; python_version > '3'"]
[dependency-groups]
lint = ["ruff", {include-group = "dev"}]
[tool.poetry.dependencies]
python = "^3.11"
scikit_learn = "*"
"""


@pytest.mark.parametrize(
    ("path", "text", "ecosystem", "packages"),
    [
        ("a/pyproject.toml", PYPROJECT, "pypi", ("fastapi", "typing-extensions", "pytest", "ruff", "scikit-learn")),
        ("requirements-dev.txt", "# x\n-r base.txt\nDjango==4\n  numpy # y\n", "pypi", ("django", "numpy")),
        ("Pipfile", '[packages]\nflask = "*"', "pypi", ("flask",)),
        (
            "package.json",
            '{"dependencies": {"react": "18"}, "devDependencies": {"jest": "1"}}',
            "npm",
            ("react", "jest"),
        ),
        ("package.json", '{"dependencies": ', "npm", ()),
        ("package.json", "[1]", "npm", ()),
        (
            "go.mod",
            "module x.y/z\ngo 1.22\nrequire (\n\tgithub.com/gin-gonic/gin v1.9.1\n\tgorm.io/gorm v1 // indirect\n)\n"
            "require k8s.io/api v0.1",
            "go",
            ("github.com/gin-gonic/gin", "k8s.io/api", "x.y/z"),
        ),
        (
            "Cargo.toml",
            '[dependencies]\ntokio = "1"\n[target."cfg(unix)".dependencies]\nnix = "1"',
            "cargo",
            ("tokio", "nix"),
        ),
        (
            "pom.xml",
            "<dependency><groupId> org.springframework.boot </groupId></dependency>",
            "maven",
            ("org.springframework.boot",),
        ),
        (
            "build.gradle.kts",
            'plugins { id("com.android.application") }\nimplementation("io.ktor:core:1")',
            "maven",
            ("com.android.application", "io.ktor:core"),
        ),
        ("Gemfile", "source 'x'\ngem 'rails', '~> 7'\n  gem \"rspec\"", "gem", ("rails", "rspec")),
        (
            "composer.json",
            '{"require": {"php": "8", "laravel/framework": "^10"}}',
            "composer",
            ("php", "laravel/framework"),
        ),
        ("notes.txt", "django", "", ()),
        ("pyproject.toml", "[project]\ndependencies = 3", "pypi", ()),
    ],
)
def test_packages_of_a_manifest(path: str, text: str, ecosystem: str, packages: tuple) -> None:
    assert manifests.packages(path, text) == (ecosystem, packages)


def test_manifests_tell_frameworks_of_the_language_only() -> None:
    texts = {"pyproject.toml": PYPROJECT, "package.json": '{"dependencies": {"react": "1"}}'}
    assert frameworks.of_manifests(texts, "pypi") == ("fastapi", "pytest", "scikit-learn")
    assert frameworks.of_manifests(texts) == ("fastapi", "pytest", "scikit-learn", "react")
    facts = analyze("a.py", b"import numpy").facts(manifests=texts)
    assert (facts.frameworks, facts.domain) == (("numpy", "fastapi", "pytest", "scikit-learn"), "data-science")
    assert analyze("a.py", b"x = 1").facts(manifests=texts).domain == "backend"


COMING = ("csharp", "swift", "dart", "elixir", "haskell", "lua", "r", "julia")
"""Families that frameworks name, whether or not their language has a folder."""


def test_every_framework_file_is_sound() -> None:
    families = {language.family for language in languages.every()} | set(COMING)
    read = {kind for kind, _ in manifests.READERS.values()}
    assert len(frameworks.every()) >= 150
    assert {framework.domain for framework in frameworks.every()} == set(frameworks.DOMAINS)
    for framework in frameworks.every():
        assert framework.imports.keys() <= families, framework.name
        assert framework.packages.keys() <= read, framework.name
        assert framework.imports or framework.packages or framework.files or framework.content, framework.name


def test_no_import_or_package_is_claimed_twice() -> None:
    for part in ("imports", "packages"):
        claims = [(key, name) for f in frameworks.every() for key, names in getattr(f, part).items() for name in names]
        assert sorted(set(claims)) == sorted(claims)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [('title = "X"\ndomain = "games"', "domain"), ('domain = "ml"\ncolour = 1', "colour")],
)
def test_a_wrong_file_is_named_with_its_key(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=rf"x\.toml.*{complaint}"):
        frameworks.parse("x", text)
