"""``[budget]``: what all runs of a ledger may spend in a day or month, by the real
command against a gateway with books of its own. A video costs $0.20."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from field.scripted import Answer, Project, ScriptedGateway, dated

DAY_S = 86_400
BUDGET = "[budget]\nday = {}\n"


@pytest.fixture
def gateway():
    if datetime.now(UTC).time().isoformat() > "23:58":
        pytest.skip("a day ends in a moment")
    with ScriptedGateway() as gateway:
        yield gateway


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def make(folder: Path, gateway: ScriptedGateway, day: str, **more):
    return Project(folder, gateway, more=BUDGET.format(day), **more)


def left(amount: str, limit: str) -> str:
    return f"Budget: ${amount} of ${limit} left for the day {today()} (UTC)."


def test_plan_and_run_say_what_is_left_and_the_next_run_is_refused(tmp_path, gateway):
    project = make(tmp_path, gateway, "0.50", jobs=2)
    plan = ("plan", project.manifest.name, "--backend", "rough")
    assert left("0.50", "0.50") in project.call(*plan).stderr
    first = project.run()
    assert (first.returncode, len(gateway.posts)) == (0, 2)
    assert left("0.50", "0.50") in first.stderr
    project.write(jobs=2, prompt="A pier")
    assert left("0.10", "0.50") in project.call(*plan).stderr
    assert f"\n\n{left('0.10', '0.50')}\n\n" in project.call(*plan, "--format", "markdown").stdout
    second = project.run()
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert (second.returncode, len(gateway.posts)) == (3, 2)
    assert (
        f"error: the plan would spend $0.40, and of the $0.50 for the day {today()} (UTC) $0.10 is"
        f" left ({project.config}: budget.day); nothing was sent\n"
        "  help: select fewer jobs with --select or --first N, or raise the limit; or wait: the"
        f" next day begins {tomorrow} 00:00 UTC\n"
    ) in second.stderr
    asked = gateway.asked["probe", "task_wanbatch_asks_whether_you_are_there"]
    assert asked == 1, "the second run asked for nothing at all"


def test_a_month_counts_too(tmp_path, gateway):
    project = Project(tmp_path, gateway, jobs=2, more="[backends.rough.budget]\nmonth = 0.30\n")
    done = project.run()
    assert (done.returncode, len(gateway.posts)) == (3, 0)
    month = today()[:7]
    assert f"of the $0.30 for the month {month} (UTC) $0.30 is left" in done.stderr
    assert f"({project.config}: backends.rough.budget.month)" in done.stderr


@pytest.mark.parametrize(
    ("file", "text"),
    [("wanbatch.toml", BUDGET.format("0.10")), ("scene.wanbatch.yaml", "budget: {day: 0.10}")],
)
def test_a_repo_may_lower_it(tmp_path, gateway, file, text):
    project = make(tmp_path, gateway, "5")
    place = project.folder / file
    if place.exists():
        text = place.read_text().replace("run: {", f"run: {{{text}, ")
    place.write_text(text)
    done = project.run()
    assert (done.returncode, len(gateway.posts)) == (3, 0)
    assert "of the $0.10 for the day" in done.stderr
    place.write_text(text.replace("0.10", "50"))
    assert left("5.00", "5.00") in project.run().stderr, "and it raises nothing"


def test_a_failure_gives_back_and_doubt_does_not(tmp_path, gateway):
    project = make(tmp_path, gateway, "0.40", jobs=2)
    gateway.scripts["post"] = lambda task, n: (
        Answer(0) if gateway.posts[-1]["seed"] == 1 else gateway.accepted(task)
    )
    gateway.scripts["poll"] = lambda task, n: gateway.failed(task)
    project.run()
    assert project.states() == ["failed", "uncertain"], "whichever went out first"
    gateway.scripts["post"] = lambda task, n: gateway.accepted(task)
    gateway.scripts["poll"] = lambda task, n: (
        gateway.completed(task) if task == "task_0003" else gateway.failed(task)
    )
    project.write(prompt="A pier")
    done = project.run()
    assert left("0.20", "0.40") in done.stderr
    assert (done.returncode, len(gateway.posts)) == (0, 3), done.stderr
    project.write(prompt="A quay")
    assert (project.run().returncode, len(gateway.posts)) == (3, 3)


def test_a_failure_that_turns_is_charged_after_all(tmp_path, gateway):
    """The provider takes it back at the end of the run that spent what it had given."""
    gateway.scripts["poll"] = lambda task, n: gateway.failed(task)
    project = make(tmp_path, gateway, "0.20")
    project.run()
    gateway.scripts["poll"] = lambda task, n: gateway.completed(task)
    project.write(prompt="A pier")
    assert (project.run().returncode, len(gateway.posts)) == (0, 2)
    project.write(prompt="A quay")
    done = project.run()
    assert (done.returncode, len(gateway.posts)) == (3, 2)
    assert left("0.00", "0.20") in done.stderr


def test_what_is_on_its_way_is_resumed_and_fetched_whatever_is_left(tmp_path, gateway):
    project = make(tmp_path, gateway, "0.20")
    gateway.scripts["poll"] = lambda task, n: gateway.running(task)
    project.run(wait=1)
    project.config.write_text(project.config.read_text().replace("day = 0.20", "day = 0"))
    gateway.scripts["poll"] = lambda task, n: gateway.completed(task)
    done = project.fetch()
    assert (done.returncode, project.states(), len(gateway.posts)) == (0, ["done"], 1)
    assert "Budget:" not in done.stderr


def test_regenerate_and_a_saved_plan_are_counted(tmp_path, gateway):
    project = make(tmp_path, gateway, "0.40")
    project.run()
    plan = project.call(
        "plan", "scene.wanbatch.yaml", "--backend", "rough", "--regenerate", "-o", "plan.json"
    )
    assert plan.returncode == 0
    assert project.run("--regenerate").returncode == 0
    assert project.run("--regenerate").returncode == 3
    project.write(prompt="A pier")
    assert (
        project.call(
            "plan", "scene.wanbatch.yaml", "--backend", "rough", "-o", "plan.json"
        ).returncode
        == 0
    )
    done = project.call("run", "--plan", "plan.json")
    assert (done.returncode, len(gateway.posts)) == (3, 2)
    assert "of the $0.40 for the day" in done.stderr


def test_a_plan_tells_what_is_left_and_is_not_stale_when_that_changes(tmp_path, gateway):
    project = make(tmp_path, gateway, "0.60")
    plan = ("plan", "scene.wanbatch.yaml", "--backend", "rough", "--output", "reports")

    def save():
        project.call(*plan, "-o", "plan.json")
        return json.loads((tmp_path / "plan.json").read_text())

    before = save()
    (one,) = before["budget"]
    assert re.fullmatch(rf"{today()}.*|.*T00:00:00.*", one.pop("next_at"))
    assert one == {
        "unit": "day",
        "period": today(),
        "limit": "0.60",
        "used": "0",
        "left": "0.60",
        "currency": "USD",
        "source": f"{project.config}: budget.day",
    }
    project.config.write_text(project.config.read_text().replace("day = 0.60", "day = 0.50"))
    after = save()
    assert after["budget"][0]["left"] == "0.50"
    assert after["digest"] == before["digest"]
    digest = str(before["digest"])
    done = project.call("run", "--plan", "plan.json", "--digest", digest)
    assert (done.returncode, len(gateway.posts)) == (0, 1)


def test_another_ledger_has_its_own_and_what_is_imported_counts(tmp_path, gateway):
    project = make(tmp_path, gateway, "0.30")
    assert project.run("--output", "a").returncode == 0
    project.write(prompt="A pier")
    assert project.run("--output", "b").returncode == 0
    done = project.call("import", "b", "--output", "a")
    assert done.returncode == 0, done.stderr
    project.write(prompt="A quay")
    done = project.run("--output", "a")
    assert (done.returncode, len(gateway.posts)) == (3, 2)
    assert "of the $0.30 for the day" in done.stderr
    assert "$0.00 is left" in done.stderr


def test_the_emulator_costs_nothing_and_counts_nowhere(tmp_path, gateway):
    project = make(tmp_path, gateway, "0.20")
    drawn = project.call("run", "scene.wanbatch.yaml", "--backend", "emulator")
    assert drawn.returncode == 0, drawn.stderr
    assert "Budget" not in drawn.stderr
    done = project.run()
    assert (done.returncode, len(gateway.posts)) == (0, 1)
    assert left("0.20", "0.20") in done.stderr


def test_without_a_price_it_cannot_be_kept(tmp_path, gateway):
    project = make(tmp_path, gateway, "5")
    text = re.sub(r"price = .*\n", "", project.config.read_text())
    project.config.write_text(text)
    done = project.run()
    assert (done.returncode, len(gateway.posts)) == (3, 0)
    assert f"{project.config}: budget.day cannot be kept: backend rough has no price" in done.stderr


def test_a_ledger_of_another_currency_is_refused(tmp_path, gateway):
    project = make(tmp_path, gateway, "5")
    project.run()
    project.config.write_text(project.config.read_text().replace('"USD"', '"CNY"'))
    project.write(prompt="A pier")
    done = project.run()
    assert (done.returncode, len(gateway.posts)) == (3, 1)
    assert "this ledger has purchases in USD, and backend rough charges CNY" in done.stderr
    assert "help: keep a ledger for each currency: choose another folder with --output" in (
        done.stderr
    )
    assert project.run("--output", "yuan").returncode == 0


def test_a_server_of_yesterday_opens_no_new_day(tmp_path, gateway):
    """The purchases stood under a clock that was right; now ours is a day ahead, which
    is the same as a server that is a day behind."""
    project = make(tmp_path, gateway, "0.20")
    for kind in ("probe", "post", "poll"):
        gateway.scripts[kind] = dated(gateway.scripts[kind], -DAY_S)
    assert project.run().returncode == 0
    project.write(prompt="A pier")
    done = project.run()
    assert (done.returncode, len(gateway.posts)) == (3, 1)


def test_the_doctor_tells_it(tmp_path, gateway):
    project = make(tmp_path, gateway, "0.50")
    project.run()
    done = project.call("doctor", "--backend", "rough")
    said = f"$0.30 of $0.50 left for the day {today()} ({project.config}: budget.day)"
    assert said in done.stderr
    (project.folder / "wanbatch.toml").write_text(BUDGET.format("0.25"))
    assert "$0.05 of $0.25 left" in project.call("doctor", "--backend", "rough").stderr
    project.config.write_text(project.config.read_text().replace('"USD"', '"CNY"'))
    done = project.call("doctor", "--backend", "rough")
    assert done.returncode == 4
    assert "this ledger has purchases in USD" in done.stderr
    shutil.rmtree(project.folder / "reports")
    project.config.write_text(re.sub(r"price = .*\n", "", project.config.read_text()))
    assert "budget.day cannot be kept" in project.call("doctor", "--backend", "rough").stderr
