"""Which language a text is in: by id, name, extension, shebang, mode line, contents."""

from __future__ import annotations

import pytest

from codriver.syntax import content, languages

C, CPP, OBJC = (
    b"int a;\n",
    b"#include <vector>\nclass A {\npublic:\n  int b;\n};\n",
    b"#import <A.h>\n@interface A\n@end\n",
)


@pytest.mark.parametrize(
    ("language_id", "path", "data", "name"),
    [
        # Ids of editors: VS Code's, Vim's file types, tags of fences.
        ("python", "", b"", "python"),
        ("Python", "", b"", "python"),
        ("javascriptreact", "a.jsx", b"", "javascript"),
        ("typescriptreact", "", b"", "tsx"),
        ("csharp", "", b"", "csharp"),
        ("cs", "", b"", "csharp"),
        ("shellscript", "", b"", "shell"),
        ("sh", "", b"", "shell"),
        ("bash", "", b"", "shell"),
        ("kotlin", "", b"", "kotlin"),
        ("kt", "", b"", "kotlin"),
        ("elixir", "", b"", "elixir"),
        ("hs", "", b"", "haskell"),
        ("objective-c", "", b"", "objc"),
        ("objcpp", "", b"", "objcpp"),
        ("objective-cpp", "", b"", "objcpp"),
        ("", "a.mm", b"", "objcpp"),
        ("", "a.sol", b"", "solidity"),
        ("dockercompose", "", b"", "yaml"),
        ("jsonc", "", b"", "json"),
        ("scss", "", b"", "scss"),
        ("less", "", b"", "scss"),
        ("vue", "", b"", "vue"),
        ("svelte", "", b"", "svelte"),
        ("terraform", "", b"", "terraform"),
        ("hcl", "", b"", "terraform"),
        ("proto3", "", b"", "proto"),
        ("emacs-lisp", "", b"", "elisp"),
        ("fsharp", "", b"", "fsharp"),
        ("perl", "", b"", "perl"),
        ("systemverilog", "", b"", "verilog"),
        ("viml", "", b"", "vim"),
        ("c#", "", b"", "csharp"),
        ("zig", "", b"", "zig"),
        # The id counts before the path, but unknown ids fall through.
        ("json", "a.yaml", b"", "json"),
        ("plaintext", "a.go", b"", "go"),
        ("klingon", "", b"#!/bin/sh\n", "shell"),
        ("klingon", "a.xyz", b"", None),
        # One family: the path knows better.
        ("typescript", "src/a.tsx", b"", "tsx"),
        ("cpp", "a.h", b"", "c"),
        ("cpp", "a.h", CPP, "cpp"),
        # Names.
        ("", "Gemfile", b"", "ruby"),
        ("", "Rakefile", b"", "ruby"),
        ("", "Dockerfile.dev", b"", "dockerfile"),
        ("", "x/Containerfile", b"", "dockerfile"),
        ("", "Makefile", b"", "makefile"),
        ("", "CMakeLists.txt", b"", "cmake"),
        ("", "requirements-dev.txt", b"", "requirements"),
        ("", "go.mod", b"", "gomod"),
        ("", "Jenkinsfile", b"", "groovy"),
        ("", "BUILD", b"", "starlark"),
        ("", ".bashrc", b"", "shell"),
        ("", ".vimrc", b"", "vim"),
        ("", ".gitignore", b"", "gitignore"),
        ("", "Pipfile", b"", "toml"),
        ("", "Cargo.lock", b"", "toml"),
        ("", ".env.local", b"", "properties"),
        ("", "tsconfig.base.json", b"", "json"),
        ("", "pom.xml", b"", "xml"),
        # Extensions.
        ("", "a/b.hpp", b"", "cpp"),
        ("", "C:\\x\\lib.RS", b"", "rust"),
        ("", "index.test.mjs", b"", "javascript"),
        ("", "build.gradle.kts", b"", "kotlin"),
        ("", "build.gradle", b"", "groovy"),
        ("", "a.swift", b"", "swift"),
        ("", "a.scala", b"", "scala"),
        ("", "a.dart", b"", "dart"),
        ("", "a.exs", b"", "elixir"),
        ("", "a.R", b"", "r"),
        ("", "a.jl", b"", "julia"),
        ("", "a.nix", b"", "nix"),
        ("", "a.tfvars", b"", "terraform"),
        ("", "a.ipynb", b"", "json"),
        ("", "a.unknown", b"", None),
        ("", "noextension", b"", None),
        # Extensions of several languages: the text tells.
        ("", "a.h", C, "c"),
        ("", "a.h", CPP, "cpp"),
        ("", "a.h", OBJC, "objc"),
        ("", "a.m", OBJC, "objc"),
        ("", "a.m", b"function y = f(x)\n  y = x;\nend\n", "matlab"),
        ("", "a.pl", b"use strict;\nmy $x = 1;\n", "perl"),
        ("", "a.ts", b"<?xml version='1.0'?>\n<!DOCTYPE TS>\n<TS/>\n", "xml"),
        ("", "a.ts", b"const a: number = 1\n", "typescript"),
        ("", "a.v", b"module m(input a);\nendmodule\n", "verilog"),
        ("", "a.v", b"fn main() {\n\tprintln('hi')\n}\n", "v"),
        ("", "a.r", b"x <- 1\n", "r"),
        ("", "a.sql", b"select 1;\n", "sql"),
        ("", "a.inc", b"<?php\necho 1;\n", "php"),
        ("", "a.inc", b"<div>x</div>\n", "html"),
        ("", "a.inc", b"#include <a.h>\n", "cpp"),
        ("", "a.inc", b'SUMMARY = "x"\nLICENSE = "MIT"\n', "bitbake"),
        ("", "a.cls", b"public class A {\n}\n", "apex"),
        ("", "a.cls", b"\\NeedsTeXFormat{LaTeX2e}\n\\ProvidesClass{a}\n", "latex"),
        ("", "a.fs", b"#version 330\nvoid main() {}\n", "glsl"),
        ("", "a.fs", b"let a = 1\n", "fsharp"),
        # Shebangs.
        ("", "bin/tool", b"#!/usr/bin/env -S python3.11 -u\n", "python"),
        ("", "bin/tool", b"#!/usr/bin/env node\n", "javascript"),
        ("", "bin/tool", b"\xef\xbb\xbf#!/usr/bin/ruby -w\n", "ruby"),
        ("", "x", b"#!/bin/sh", "shell"),
        ("", "x", b"#!/usr/bin/env FOO=1 bash\n", "shell"),
        ("", "x", b"#!/usr/bin/env Rscript\n", "r"),
        ("", "x", b"#! /usr/bin/elixir\n", "elixir"),
        ("", "x", b"#!/usr/bin/lua5.4\n", "lua"),
        ("", "x", b"#!/usr/bin/unknown\n", None),
        ("", "", b"#!", None),
        # Mode lines.
        ("", "x", b"# vim: set ft=ruby :\n", "ruby"),
        ("", "x", b"/* vim: ts=4 filetype=c sw=4 */\n", "c"),
        ("", "x", b"text\n" * 90 + b"# vi: syntax=python\n", "python"),
        ("", "x", b"# -*- mode: python; coding: utf-8 -*-\n", "python"),
        ("", "x", b"// -*- C++ -*-\n", "cpp"),
        ("", "x", b"# -*- coding: utf-8; mode: ruby -*-\n", "ruby"),
        ("", "a.h", b"/* -*- mode: objc -*- */\n" + C, "objc"),
        ("", "a.txt", b";; -*- emacs-lisp -*-\n", "elisp"),
        ("", "x", b"# -*- coding: utf-8 -*-\n", None),
        ("", "x", b"# vim: ft=klingon\n", None),
        ("", "x", b"text\n" * 90 + b"# vim: ft=ruby\n" + b"text\n" * 90, None),
    ],
)
def test_found_by_id_then_path_then_text(language_id: str, path: str, data: bytes, name: str | None) -> None:
    found = languages.find(language_id, path, data)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("data", "binary"),
    [
        (b"", False),
        (b"text\twith\r\n\x0clines\x1b[0m", False),
        ("größe ☃".encode("latin-1", "replace"), False),
        (b"x" * 200 + b"\0", False),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0", True),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", True),
        ("text in two bytes each".encode("utf-16-le"), True),
        (bytes(range(256)) * 10, True),
    ],
)
def test_binary_files_are_told_by_their_control_characters(data: bytes, binary: bool) -> None:
    assert content.is_binary(data) == binary


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marked_encodings_become_utf8(encoding: str) -> None:
    assert content.decoded("größe ☃ 😀\n".encode(encoding)) == "größe ☃ 😀\n".encode()


def test_other_bytes_stay_as_they_are() -> None:
    for data in (b"", b"\xe4\xf6", b"\xff", "é".encode("latin-1")):
        assert content.decoded(data) == data
    assert content.decoded(b"\xff\xfea") == "\ufffd".encode()
