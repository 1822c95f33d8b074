"""Amounts and numbers that a person states, with the real command: what is none is
refused."""

from __future__ import annotations

import pytest
from field.scripted import CONFIG, Answer, Project, ScriptedGateway

from wanbatch.model.price import read_amount

NO_AMOUNTS = (
    "1e400",
    "1e3",
    "nan",
    "inf",
    "Infinity",
    "-1",
    "-0",
    "+5",
    "１００",
    "٥",
    "1_000",
    "1,000",
    "1.000,00",
    "1 000",
    "5,00",
    "$5",
    "5 USD",
    "0x10",
    "",
    " 5",
    "5\n",
    "1234567890123",
    "0.1234567",
    ".",
)


@pytest.fixture
def gateway():
    with ScriptedGateway() as gateway:
        yield gateway


@pytest.fixture
def project(tmp_path, gateway):
    return Project(tmp_path / "project", gateway)


@pytest.mark.parametrize("text", NO_AMOUNTS)
def test_what_is_no_amount(text):
    assert read_amount(text) is None


@pytest.mark.parametrize("text", ["0", "5", "5.", ".50", "5.00", "123456789012", "0.000001"])
def test_what_is_an_amount(text):
    assert read_amount(text) is not None


@pytest.mark.parametrize("text", ["1e400", "１００", "1_000", "+5", "1e3", "nan"])
def test_max_cost_takes_amounts_alone(project, gateway, text):
    done = project.run("--max-cost", text)
    assert done.returncode == 2
    assert "is not an amount of money: write digits with at most one point" in done.stderr
    assert not gateway.seen


@pytest.mark.parametrize(
    "value", ['"１００"', '"1_000"', '"1e3"', '" 5 "', "1e400", "nan", "-1", "1e-30"]
)
@pytest.mark.parametrize("file", ["wanbatch.toml", "config.toml"])
def test_settings_take_amounts_alone(project, gateway, file, value):
    if file == "wanbatch.toml":
        (project.folder / file).write_text(f"max_cost = {value}\n")
    else:
        text = CONFIG.format(kind="gateway", address=gateway.address, more="")
        project.config.write_text(text.replace("720P = 0.10", f"720P = {value}"))
    done = project.run()
    assert done.returncode == 2, done.stderr
    assert file in done.stderr
    assert "amount" in done.stderr
    assert not gateway.seen


@pytest.mark.parametrize("value", ["nan", "inf", "-nan", "1e400", "1e-320", "0", "-1"])
def test_settings_take_numbers_that_can_be_counted_to(project, gateway, value):
    (project.folder / "wanbatch.toml").write_text(f"rate = {value}\n")
    done = project.run()
    assert done.returncode == 2, done.stderr
    assert "rate: must be a number" in done.stderr
    assert not gateway.seen


@pytest.mark.parametrize(
    "words",
    [
        ("--rate", "１"),
        ("--rate", "1_0"),
        ("--rate", "1e400"),
        ("--rate", "1e-320"),
        ("--wait", "１０"),
        ("--wait", "1e300"),
        ("--wait", "1_0"),
        ("--wait", "infinity"),
        ("--lock-timeout", "1_0"),
        ("--poll-interval", "1e300"),
        ("--poll-interval", "٥"),
        ("--submit-timeout", "６０"),
        ("--submit-timeout", "0"),
        ("--max-in-flight", "２"),
        ("--max-in-flight", "1_0"),
        ("--max-in-flight", "0"),
        ("--max-jobs", "１"),
        ("--shard", "１/２"),
    ],
)
def test_options_take_numbers_of_plain_digits(project, gateway, words):
    done = project.run(*words)
    assert done.returncode == 2, done.stderr
    assert words[0] in done.stderr
    assert not gateway.seen


def test_one_size_without_a_price_makes_the_total_unknown(project, gateway):
    text = CONFIG.format(kind="gateway", address=gateway.address, more="")
    project.config.write_text(text.replace("720P = 0.10, ", ""))
    plan = project.call("plan", "scene.wanbatch.yaml", "--backend", "rough")
    assert "Plan: 1 to generate (unknown price)." in plan.stderr
    limited = project.run("--max-cost", "100")
    assert limited.returncode == 3, limited.stderr
    assert not gateway.posts
    (project.folder / "wanbatch.toml").write_text("max_cost = 100\n")
    assert project.run().returncode == 3
    assert not gateway.posts
    (project.folder / "wanbatch.toml").unlink()
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert "spent $0.00" not in done.stderr
    assert "unknown price" in done.stderr
    report = project.report()
    assert report["totals"]["cost"]["spent"] is None
    assert report["jobs"][0]["cost"]["spent"] is None


def test_of_two_statements_each_size_is_known_from_either(project, gateway):
    text = CONFIG.format(kind="gateway", address=gateway.address, more="")
    project.config.write_text(text.replace("720P = 0.10, ", ""))
    (project.folder / "wanbatch.toml").write_text('price = {720P = 0.20, currency = "USD"}\n')
    plan = project.call("plan", "scene.wanbatch.yaml", "--backend", "rough")
    assert "1 to generate ($0.40)" in plan.stderr


# -- an option that is not given leaves the profile's own word -------------------------


def test_a_profiles_submit_timeout_is_kept(tmp_path):
    from threading import Event

    def late(task, _):
        Event().wait(3)
        return Answer(200, {"id": task, "status": "queued"})

    with ScriptedGateway(post=late) as gateway:
        project = Project(tmp_path / "a", gateway, more="submit_timeout = 1")
        done = project.run()
        assert project.states() == ["uncertain"], done.stderr
        assert len(gateway.posts) == 1
        patient = Project(tmp_path / "b", gateway, more="submit_timeout = 1")
        assert patient.run("--submit-timeout", "30").returncode == 0
        assert patient.states() == ["done"]


def test_a_longer_submit_timeout_stretches_the_quiet_period():
    from wanbatch.model.wire import Profile
    from wanbatch.operations.options import RunOptions
    from wanbatch.operations.run import raise_limits

    built_in = Profile("p", "dashscope", "", "")
    assert raise_limits(built_in, RunOptions()).quiet_period_s == 120
    assert raise_limits(built_in, RunOptions(submit_timeout_s=30)).quiet_period_s == 120
    assert raise_limits(built_in, RunOptions(submit_timeout_s=300)).quiet_period_s == 600
    own = Profile("p", "dashscope", "", "", submit_timeout_s=90, quiet_period_s=700)
    assert raise_limits(own, RunOptions()).submit_timeout_s == 90
    assert raise_limits(own, RunOptions(submit_timeout_s=300)).quiet_period_s == 700
    emulator = Profile("emulator", "emulator", "", "", quiet_period_s=1)
    assert raise_limits(emulator, RunOptions(submit_timeout_s=300)).quiet_period_s == 1


@pytest.mark.parametrize(
    ("setting", "field", "value"),
    [
        ("poll_interval", "poll_interval_s", 7.5),
        ("rate", "rate", 0.25),
        ("max_in_flight", "max_in_flight", 3),
        ("submit_timeout", "submit_timeout_s", 7.0),
        ("submit_concurrency", "submit_concurrency", 2),
        ("quiet_period", "quiet_period_s", 33.0),
        ("queries_per_second", "queries_per_second", 4.0),
    ],
)
def test_without_options_every_setting_of_a_profile_counts(tmp_path, setting, field, value):
    from wanbatch.config.profiles import load_profiles, resolve_profile
    from wanbatch.operations.options import RunOptions
    from wanbatch.operations.run import raise_limits

    config = tmp_path / "config.toml"
    own = (
        'kind = "gateway"\nbase_url = "https://api.example.com"\napi_key_env = "K"\n'
        f"{setting} = {value}\n"
    )
    config.write_text(f"[backends.mine]\n{own}[backends.gateway]\n{setting} = {value}\n")
    profiles = load_profiles({}, config)
    for name in ("mine", "gateway"):
        profile = resolve_profile(profiles, name, {}, offline=True)
        assert getattr(raise_limits(profile, RunOptions()), field) == value
