"""Secrets in texts that are handed out: what is found, what is left alone, and lines stay where they are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver.sources.secrets import hidden

KEY = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"key = 'sk-proj-{KEY}'", "API key"),
        ("id = AKIAABCDEFGHIJKLMNOP", "AWS key"),
        (f"ghp_{KEY}", "GitHub token"),
        (f"github_pat_{KEY}", "GitHub token"),
        (f"glpat-{KEY}", "GitLab token"),
        (f"AIza{KEY}abcdefg", "Google key"),
        (f"xoxb-{KEY}", "Slack token"),
        (f"eyJ{KEY}.eyJ{KEY}.{KEY}", "JSON web token"),
        ("db = 'postgres://app:hunter22@db/app'", "password in an address"),
        ('PASSWORD = "correct horse"'.replace(" horse", "-horse"), "value of a secret"),
        ('"api_key": "0123456789abcdef"', "value of a secret"),
        ("client_secret='0123456789abcdef'", "value of a secret"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\ndef\n-----END RSA PRIVATE KEY-----\nafter", "private key"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "private key"),
    ],
)
def test_what_looks_like_a_secret_is_withheld(text: str, kind: str) -> None:
    shown, count = hidden(text)
    assert f"[{kind} withheld]" in shown and count >= 1
    for part in (KEY, "hunter22", "correct-horse", "0123456789abcdef", "abc\ndef", "ABCDEFGHIJKLMNOP"):
        assert part not in shown
    assert shown.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "token = tokens[0]",
        "password = getpass()",
        "def secret(key): return key",
        "api_key = os.environ['API_KEY']",
        "sk-learn and risk-based-approach",
        "https://example.org/a:b@c",
        'token = "short"',
        "ssh-rsa public keys are public",
        "password: str = Field(default='')",
    ],
)
def test_code_about_secrets_is_left_alone(text: str) -> None:
    assert hidden(text) == (text, 0)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab0-_=:'\"\n/@.", max_size=200))
def test_lines_stay_where_they_are(text: str) -> None:
    assert hidden(text)[0].count("\n") == text.count("\n")
