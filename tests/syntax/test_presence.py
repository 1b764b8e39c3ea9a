"""What code is written with and for, told by short pieces of each language; and what telling costs."""

from __future__ import annotations

import pytest

from codriver.syntax import domains, frameworks, languages
from codriver.syntax.analysis import Buffer, analyze


@pytest.mark.parametrize(
    ("path", "source", "found", "domain"),
    [
        ("dags/load.py", "from airflow import DAG\nimport pandas as pd", {"airflow", "pandas"}, "data-science"),
        ("train.py", "import jax, flax.linen as nn\nfrom transformers import Trainer", {"jax", "flax", "transformers"}, "ml"),
        ("app/main.py", "import numpy as np\nfrom fastapi import FastAPI", {"numpy", "fastapi"}, "backend"),
        ("conf.py", "import sphinx.ext.autodoc", {"sphinx"}, "docs"),
        ("blink.py", "from machine import Pin", {"micropython"}, "embedded"),
        ("ui.py", "from PySide6.QtWidgets import QApplication", {"qt"}, "frontend"),
        ("conftest.py", "", {"pytest"}, "tests"),
        ("src/App.tsx", 'import { useQuery } from "@tanstack/react-query"', {"tanstack-query"}, "frontend"),
        ("app/index.tsx", 'import { View } from "react-native"\nimport { useState } from "react"',
         {"react-native", "react"}, "mobile"),
        ("src/user.service.ts", 'import { Injectable } from "@nestjs/common"\nimport { Repo } from "typeorm"',
         {"nestjs", "typeorm"}, "backend"),
        ("a.spec.ts", 'import { test } from "@playwright/test"', {"playwright"}, "tests"),
        ("next.config.mjs", "export default {}", {"nextjs"}, "frontend"),
        ("old.js", "// x\n$(document).ready(function () {})", {"jquery"}, "frontend"),
        ("page.js", "document.getElementById('a').focus()", set(), "frontend"),
        ("main.go", 'package main\nimport "k8s.io/client-go/rest"', {"kubernetes"}, "devops"),
        ("h.go", 'package h\nimport "github.com/labstack/echo/v4"', {"echo"}, "backend"),
        ("main.rs", "#![no_std]\nuse embassy_executor::Spawner;", {"embassy"}, "embedded"),
        ("src/main.rs", "use axum::Router;\nuse serde::Serialize;", {"axum", "serde"}, "backend"),
        ("A.java", "import org.springframework.boot.SpringApplication;", {"spring-boot"}, "backend"),
        ("B.java", "import io.micronaut.http.annotation.Get;", {"micronaut"}, "backend"),
        ("Main.kt", "import androidx.compose.material3.Text", {"jetpack-compose"}, "mobile"),
        ("A.kt", "package a\n@Composable\nfun A() {}", {"jetpack-compose"}, "mobile"),
        ("Player.cs", "using UnityEngine;\nclass P : MonoBehaviour {}", {"unity"}, "frontend"),
        ("Startup.cs", "using Microsoft.AspNetCore.Builder;", {"aspnet"}, "backend"),
        ("user.rb", "class User < ApplicationRecord\nend", {"rails"}, "backend"),
        ("x.php", "<?php\nadd_action('init', 'f');", {"wordpress"}, "backend"),
        ("View.swift", "import SwiftUI", {"swiftui"}, "mobile"),
        ("main.dart", "import 'package:flutter/material.dart';", {"flutter"}, "mobile"),
        ("a.scala", "import org.apache.spark.sql.SparkSession", {"spark"}, "data-science"),
        ("blink.ino", "void setup() { pinMode(1, OUTPUT); }", {"arduino"}, "embedded"),
        ("main.c", '#include "esp_log.h"\n#include "freertos/task.h"', {"esp-idf", "freertos"}, "embedded"),
        ("w.cpp", "class W { Q_OBJECT };", {"qt"}, "frontend"),
        ("m.cpp", "#include <boost/asio.hpp>", {"boost"}, "systems"),
        ("deploy/web.yaml", "apiVersion: apps/v1\nkind: Deployment\n", {"kubernetes"}, "devops"),
        ("x.yaml", "# crlf\r\napiVersion: v1\r\nkind: Pod\r\n", {"kubernetes"}, "devops"),
        ("ci.yml", "on: push\njobs:\n  a:\n    runs-on: ubuntu\n", {"github-actions"}, "devops"),
        ("x/.github/workflows/ci.yml", "", {"github-actions"}, "devops"),
        ("compose.yaml", "", {"docker-compose"}, "devops"),
        ("stack.yml", "services:\n  web:\n    image: x\n", {"docker-compose"}, "devops"),
        ("play.yml", "- hosts: all\n  tasks: []\n", {"ansible"}, "devops"),
        ("templates/a.yaml", "a: {{ .Values.x }}\n", {"helm"}, "devops"),
        ("main.tf", 'resource "a" "b" {}', {"terraform"}, "devops"),
        ("models/a.sql", "select * from {{ ref('b') }}", {"dbt"}, "data-science"),
        ("a.html", '<a hx-get="/x">', {"htmx"}, "frontend"),
        ("a.css", "@tailwind base;", {"tailwind"}, "frontend"),
        ("Dockerfile", "FROM x", {"docker"}, "devops"),
        ("server/api/x.py", "x = 1", set(), "backend"),
        ("firmware/main.c", "int x;", set(), "embedded"),
        ("tests/fixtures/app.py", "import flask", {"flask"}, "tests"),
        ("x.py", "x = 1", set(), ""),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)  # fmt: skip
def test_of_short_texts(path: str, source: str, found: set[str], domain: str) -> None:
    facts = analyze(path, source.encode()).facts()
    assert (set(facts.frameworks), facts.domain) == (found, domain)


def test_the_folders_of_a_home_say_nothing() -> None:
    assert analyze("/home/test/tests/mobile/work/shop/core/a.py", b"x = 1").facts().domain == ""


def test_every_rule_and_every_pattern_is_sound() -> None:
    assert {rule.domain for rule in domains.rules()} == set(domains.DOMAINS)
    known = {language.name for language in languages.every()}
    for framework in frameworks.every():
        for language, patterns in framework.content.items():
            assert language in known, framework.name
            # Others are ten times as dear: see domains.sign.
            assert all(not pattern.startswith(("\\b", "\\s", "(", "[", ".")) for pattern in patterns), framework.name


def test_asking_again_derives_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a request costs once its file and project are known: look-ups, no pattern and no parser."""
    texts = {"pyproject.toml": '[project]\ndependencies = ["django==5.0"]'}
    source = b"import django\n" * 3
    first = Buffer(source, path="shop/a.py").facts(manifests=texts)
    for module, name in ((frameworks.manifests, "requirements"), (frameworks, "_longest"), (domains.Rule, "fits")):
        monkeypatch.setattr(module, name, lambda *args: pytest.fail("derived again"))
    assert Buffer(source, path="shop/a.py").facts(manifests=texts) == first
    assert first.versions == (("django", "5.0"),)
