"""Rules: when one holds, what several make together, and what the reasons tell."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from fleet import FLEET, LARGE, MEDIUM, SMALL
from hypothesis import given, settings
from hypothesis import strategies as st

from codriver import config
from codriver.config import Settings, ruling
from codriver.errors import ConfigError, Unroutable
from codriver.model.decision import Decision, View
from codriver.model.features import Features
from codriver.model.request import Purpose, Request
from codriver.routing.decide import Wish, decide
from codriver.routing.eligibility import Bounds, standing
from codriver.routing.quality import judged
from codriver.routing.rules import Match, Moment, Rule, glob, holds, matching, minutes, named, ruled

KEYS = [offer.model.key for offer in FLEET]
CHAT = Request("r", Purpose.CHAT, wire="openai_chat", input_tokens=800, workflow="ci", agent="claude-cli/2.1 (x)")
CODE = Features(
    source="buffer", path="/home/me/app/src/billing/pay.py", language="python", cognitive=18, lines=30, task="debug",
    tokens=800,
)  # fmt: skip
NOON_MONDAY = Moment(minute=12 * 60, day=0, load=3)


def rules(text: str) -> tuple[Rule, ...]:
    """The rules that a settings file writes."""
    made, complaints = ruling.rules_of(Settings.model_validate(tomllib.loads(text)).rules, KEYS)
    assert not complaints
    return made


def choose(held: tuple[Rule, ...], request: Request = CHAT, features: Features = CODE, **wish: object) -> Decision:
    asked = Wish(**wish)
    kept, refused = standing(FLEET, asked.bounds)
    features = judged(features, features.task, request.input_tokens)
    matched = matching(held, request, features, NOON_MONDAY)
    offers, bent = ruled(matched, request, kept, replace(asked, refused=refused)) if matched else (kept, asked)
    return decide(request, features, offers, View(now=1000.0), bent, ident="d")


def first(made: Decision) -> str:
    return made.candidates[0].model


HOLDS = [
    (Match(), True),
    (Match(languages=frozenset({"python", "go"})), True),
    (Match(languages=frozenset({"go"})), False),
    (Match(path=glob(["src/billing/**"])), True),
    (Match(path=glob(["*.py", "!billing/"])), False),
    (Match(path=glob(["*.ts"])), False),
    (Match(purposes=frozenset({"chat"})), True),
    (Match(purposes=frozenset({"title"})), False),
    (Match(tasks=frozenset({"debug"})), True),
    (Match(tasks=frozenset({"test"})), False),
    (Match(workflows=frozenset({"ci"})), True),
    (Match(workflows=frozenset({"cd"})), False),
    (Match(agents=("claude-cli",)), True),
    (Match(agents=("codex", "opencode")), False),
    (Match(cognitive=18), True),
    (Match(cognitive=19), False),
    (Match(tokens=800), True),
    (Match(tokens=801), False),
    (Match(load=3), True),
    (Match(load=4), False),
    (Match(hours=minutes("09:00-17:00")), True),
    (Match(hours=minutes("12:00-12:01")), True),
    (Match(hours=minutes("11:00-12:00")), False),
    (Match(hours=minutes("22:00-06:00")), False),
    (Match(days=frozenset({0, 1})), True),
    (Match(days=frozenset({5, 6})), False),
    (Match(languages=frozenset({"python"}), tasks=frozenset({"test"})), False),
]


@pytest.mark.parametrize(("match", "wanted"), HOLDS)
def test_when_a_rule_holds(match: Match, wanted: bool) -> None:
    assert holds(match, CHAT, CODE, NOON_MONDAY) is wanted


@pytest.mark.parametrize(
    ("minute", "day", "wanted"),
    [(23 * 60, 4, True), (60, 5, True), (60, 4, False), (23 * 60, 5, False), (6 * 60, 5, False)],
)
def test_a_span_over_midnight_belongs_to_the_day_it_begins(minute: int, day: int, wanted: bool) -> None:
    match = Match(hours=minutes("22:00-06:00"), days=frozenset({4}))
    assert holds(match, CHAT, CODE, Moment(minute, day)) is wanted


@given(start=st.integers(0, 1439), length=st.integers(1, 1439), minute=st.integers(0, 1439))
@settings(max_examples=60, deadline=None)
def test_a_span_and_the_rest_of_the_day_make_a_day(start: int, length: int, minute: int) -> None:
    end = (start + length) % 1440
    one = holds(Match(hours=(start, end)), CHAT, CODE, Moment(minute))
    other = holds(Match(hours=(end, start)), CHAT, CODE, Moment(minute))
    assert one != other


@pytest.mark.parametrize(
    ("globs", "path", "wanted"),
    [
        (["*.py"], "/a/b/c.py", True),
        (["*.py"], "/a/b.py/c.js", True),
        (["tests/**"], "/a/tests/x/y.py", True),
        (["tests/**"], "/a/mytests/x.py", False),
        (["src/**/gen/*.ts"], "/r/src/gen/a.ts", True),
        (["src/**/gen/*.ts"], "/r/src/a/b/gen/a.ts", True),
        (["src/**/gen/*.ts"], "/r/src/gen/b/a.ts", False),
        (["tests"], r"C:\work\tests\a.py", True),
        (["?.c"], "/x/ab.c", False),
        (["!vendor/"], "/x/vendor/a.c", False),
        (["!vendor/"], "/x/own/a.c", True),
        (["a.b"], "/x/aXb", False),
    ],
)
def test_globs(globs: list[str], path: str, wanted: bool) -> None:
    assert glob(globs)(path) is wanted


def test_globs_of_models() -> None:
    assert named("east/*", KEYS) == {"east/small", "east/medium", "east/coder"}
    assert named("LARGE", KEYS) == {"west/large"}
    assert named("*/l*", KEYS) == {"west/large", "home/local"}
    assert not named("larg", KEYS)


CASES = [
    ('[[rules]]\ndeny = ["large"]\n', {}, "east/medium"),
    ('[[rules]]\nallow = ["east/small", "home/*"]\n', {}, "east/small"),
    ('[[rules]]\npin = "large"\n', {}, "west/large"),
    ('[[rules]]\nprefer = ["east/small"]\n', {}, "east/small"),
    ('[[rules]]\nstrategy = "quality"\n', {"strategy": "cost"}, "west/large"),
    ('[[rules]]\nfloor = 1\n', {"strategy": "cost"}, "home/local"),
    ('[[rules]]\nrequest_usd = 0.004\ndeny = ["home/*"]\n', {"strategy": "quality"}, "east/medium"),
    # All that match: what they deny adds up, and the first pin, strategy or floor counts.
    ('[[rules]]\ndeny = ["large"]\n[[rules]]\ndeny = ["medium"]\n', {"strategy": "quality"}, "east/small"),
    ('[[rules]]\nallow = ["east/*"]\n[[rules]]\nallow = ["medium", "large"]\n', {"strategy": "cost"}, "east/medium"),
    ('[[rules]]\nstrategy = "quality"\n[[rules]]\nstrategy = "cost"\n', {}, "west/large"),
    ('[[rules]]\nmatch.language = ["go"]\npin = "small"\n', {"strategy": "quality"}, "west/large"),
    # Who names a model is only bound by what rules deny.
    ('[[rules]]\npin = "large"\n', {"bounds": Bounds(only="east/small")}, "east/small"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wish", "wanted"), CASES)
def test_what_rules_make_of_a_decision(text: str, wish: dict[str, object], wanted: str) -> None:
    assert first(choose(rules(text), **wish)) == wanted


def test_the_reasons_name_each_rule_and_refusals_too() -> None:
    made = choose(rules('[[rules]]\nname = "no dear ones"\ndeny = ["large"]\n[[rules]]\nfloor = 0.3\n'))
    assert "'no dear ones' (denies 1 models)" in made.reasons[0]
    assert "'rule 2' (floor 0.3)" in made.reasons[0]
    (refused,) = [r for r in made.refused if r.model == LARGE.model.key]
    assert (refused.why, refused.text) == ("rule", "the rule 'no dear ones' denies it")


def test_a_model_the_caller_names_and_a_rule_denies_is_an_error_that_names_the_rule() -> None:
    held = rules('[[rules]]\nname = "mine"\ndeny = ["small"]\n')
    with pytest.raises(Unroutable, match="the rule 'mine' denies it"):
        choose(held, bounds=Bounds(only=SMALL.model.key))


def test_the_callers_own_strategy_and_limit_win() -> None:
    held = rules('[[rules]]\nstrategy = "quality"\nrequest_usd = 5\n')
    request = replace(CHAT, strategy="cost")
    matched = matching(held, request, CODE, NOON_MONDAY)
    _, wish = ruled(matched, request, FLEET, Wish(strategy="cost", bounds=Bounds(request_usd=0.01)))
    assert (wish.strategy, wish.bounds.request_usd) == ("cost", 0.01)


def test_a_preference_moves_nobody_inside_a_tool_loop_and_no_trial_undoes_it() -> None:
    held = rules('[[rules]]\nprefer = ["small"]\n')
    loop = replace(CHAT, purpose=Purpose.TOOL_RESULT)
    assert first(choose(held, request=loop, strategy="quality")) == LARGE.model.key
    assert first(choose(held, strategy="quality")) == SMALL.model.key


def test_names_of_no_model_are_told_with_the_likeliest() -> None:
    table = Settings.model_validate({"rules": [{"name": "x", "deny": ["east/smal"], "pin": "gone/one"}]}).rules
    (rule,), complaints = ruling.rules_of(table, KEYS)
    assert complaints == (
        "rules.0.pin: 'x' names 'gone/one', and no model is called so. `codriver models` lists them.",
        "rules.0.deny: 'x' names 'east/smal', and no model is called so. Did you mean 'east/small'?",
    )
    with pytest.raises(Unroutable, match="gone/one"):
        choose((rule,))


def test_a_pin_that_several_providers_have_allows_those() -> None:
    (rule,) = rules('[[rules]]\npin = "east/*"\n')
    assert (rule.pin, rule.allow) == ("", {"east/small", "east/medium", "east/coder"})
    assert first(choose((rule,), strategy="quality")) == MEDIUM.model.key


MISTAKES = [
    ('[[rules]]\npin = "a/b"\n\n[[rules]]\nname = "x"\ndeni = ["a"]\n', 6, "rules.1.deni", "no such key", "'deny'"),
    ('[[rules]]\nname = "x"\n', 1, "rules.0", "changes nothing", "Write allow"),
    ('[[rules]]\npin = "a/b"\n[rules.match]\nhours = "9-17"\n', 4, "rules.0.match.hours", "no span of hours", "22:00"),
    ('[[rules]]\npin = "a/b"\nmatch.purpose = ["chatt"]\n', 3, "rules.0.match.purpose.0", "", ""),
    ('[[rules]]\npin = "a/b"\nmatch.cognitiv = 3\n', 3, "rules.0.match.cognitiv", "no such key", "'cognitive'"),
    ("[[peak.steps]]\nfloor = 0.2\n", 1, "peak.steps.0", "never holds", "Write requests"),
]


@pytest.mark.parametrize(("text", "line", "key", "reason", "remedy"), MISTAKES, ids=[m[2] for m in MISTAKES])
def test_mistakes_name_file_line_key_reason_and_remedy(
    tmp_path: object, own_home: object, text: str, line: int, key: str, reason: str, remedy: str
) -> None:
    file = tmp_path / "c.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.load(file, {})
    assert (caught.value.file, caught.value.key) == (f"{file}:{line}", key)
    assert reason in caught.value.reason
    assert remedy in caught.value.remedy


def test_a_strategy_that_is_none_is_told() -> None:
    table = Settings.model_validate({"rules": [{"strategy": "chepest"}]}).rules
    with pytest.raises(ConfigError, match="no strategy is called 'chepest'"):
        ruling.check(table, "c.toml")
