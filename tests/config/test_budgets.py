"""``[budget]`` in the user's configuration, in a profile, and in a repo's files."""

from __future__ import annotations

from decimal import Decimal

import pytest
from builders import manifest

from wanbatch.config.profiles import load_profiles, resolve_profile
from wanbatch.config.project import load_project
from wanbatch.model.period import Unit
from wanbatch.operations.choose import period_limits
from wanbatch.words.errors import ExitCode, WanbatchError

PRICED = '[backends.gateway]\nprice = { "720P" = 0.10, currency = "USD" }\n'


@pytest.fixture
def limits_of(tmp_path):
    """The limits that hold, as (unit, amount, where in which file)."""

    def read(user="", project="", backend="gateway", **run):
        config = tmp_path / "config.toml"
        config.write_text(user)
        (tmp_path / "wanbatch.toml").write_text(project)
        profiles = load_profiles({}, config)
        profile = resolve_profile(profiles, backend, {}, offline=True)
        projects = [load_project(tmp_path)]
        found = period_limits(profiles.budget, profile, projects, [manifest(**run)])
        return [
            (one.unit.value, str(one.amount), one.source.rpartition("/")[2].replace(": ", " "))
            for one in found
        ]

    return read


def test_the_users_word_holds_for_every_backend(limits_of):
    text = '[budget]\nday = 20.00\nmonth = "300"\n'
    found = [
        ("day", "20.00", "config.toml budget.day"),
        ("month", "300", "config.toml budget.month"),
    ]
    assert limits_of(text) == found
    assert limits_of(text, backend="dashscope") == found


def test_a_profile_may_say_another_and_the_lower_counts(limits_of):
    text = "[budget]\nday = 20\n[backends.gateway.budget]\nday = 30\nmonth = 100\n"
    assert limits_of(text) == [
        ("day", "20", "config.toml budget.day"),
        ("month", "100", "config.toml backends.gateway.budget.month"),
    ]
    assert limits_of(text, backend="dashscope") == [("day", "20", "config.toml budget.day")]


def test_a_repo_lowers_and_never_raises(limits_of):
    user = "[budget]\nday = 20\nmonth = 100\n"
    project = "[budget]\nday = 5\nmonth = 500\n"
    assert limits_of(user, project) == [
        ("day", "5", "wanbatch.toml budget.day"),
        ("month", "100", "config.toml budget.month"),
    ]
    assert limits_of(user, project, budget_day=Decimal(2), budget_month=Decimal(900)) == [
        ("day", "2", "m.wanbatch.yaml run.budget.day"),
        ("month", "100", "config.toml budget.month"),
    ]


def test_nobody_said_anything(limits_of):
    assert limits_of(PRICED) == []


def test_the_emulator_has_none(limits_of):
    assert limits_of("[budget]\nday = 0\n", "[budget]\nday = 0\n", "emulator") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("budget = 5\n", "budget: must be a table"),
        ("[budget]\n", "budget: states no limit"),
        ("[budget]\ndaily = 5\n", "budget.daily: no such setting"),
        ("[budget]\nday = -1\n", "budget.day: must be an amount of zero or more"),
        ('[budget]\nmonth = "1e3"\n', "budget.month: '1e3' is no amount"),
        ("[budget]\nmonth = nan\n", "budget.month: must be an amount of zero or more"),
        ("[backends.emulator.budget]\nday = 5\n", "budget: the emulator costs nothing"),
    ],
)
def test_what_is_no_budget_is_refused_with_its_place(limits_of, text, words):
    with pytest.raises(WanbatchError) as caught:
        limits_of(text)
    assert caught.value.exit_code is ExitCode.INVALID
    assert words in caught.value.message


def test_units_are_those_of_the_contract():
    assert [unit.value for unit in Unit] == ["day", "month"]
