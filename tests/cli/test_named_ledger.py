"""A project that names its ledger buys by no other, with the real command."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from field.scripted import Project, ScriptedGateway


@pytest.fixture
def gateway():
    with ScriptedGateway() as gateway:
        yield gateway


def id_of(project, output="reports"):
    with closing(sqlite3.connect(project.folder / output / "ledger.db")) as ledger:
        return ledger.execute("SELECT value FROM meta WHERE name = 'ledger_id'").fetchone()[0]


def name_ledger(project, text):
    (project.folder / "wanbatch.toml").write_text(f'ledger = "{text}"\n')


def test_only_the_ledger_that_the_project_names_may_buy(tmp_path, gateway):
    project = Project(tmp_path, gateway, jobs=1)
    assert project.run().returncode == 0
    mine = id_of(project)
    name_ledger(project, mine)
    project.write(jobs=2)
    for command in (("run", "--yes"), ("plan",)):
        words = (*command, project.manifest.name, "--backend", "rough", "--output", "other")
        refused = project.call(*words)
        assert (refused.returncode, len(gateway.posts)) == (3, 1)
        assert (
            f"error: {project.folder / 'wanbatch.toml'} names the ledger {mine}, and"
            f" other/ledger.db is new; what that one bought would be bought again; nothing was"
            " sent\n"
            "  help: use the output folder of that ledger: --output DIR\n"
            "  help: or, where that ledger is lost, take up what it bought, and name this one:"
            " wanbatch import FOLDER\n"
        ) in refused.stderr
    assert project.run().returncode == 0
    assert len(gateway.posts) == 2


def test_another_ledger_with_purchases_is_named(tmp_path, gateway):
    project = Project(tmp_path, gateway, jobs=1)
    assert project.run().returncode == 0
    mine = id_of(project)
    name_ledger(project, "0" * 32)
    project.write(jobs=2)
    refused = project.run()
    assert (refused.returncode, len(gateway.posts)) == (3, 1)
    assert f"names the ledger {'0' * 32}, and reports/ledger.db is {mine};" in refused.stderr
    fetched = project.call("fetch", project.manifest.name, "--backend", "rough")
    assert fetched.returncode != 3, "what was bought is brought home by whatever ledger"


def test_the_emulator_is_free_whatever_is_named(tmp_path, gateway):
    project = Project(tmp_path, gateway, jobs=1)
    name_ledger(project, "0" * 32)
    done = project.call("plan", project.manifest.name, "--backend", "emulator")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", ["abc", "0" * 31, "A" * 32, "s3://bucket/prefix"])
def test_an_id_is_an_id(tmp_path, gateway, text):
    project = Project(tmp_path, gateway, jobs=1)
    name_ledger(project, text)
    refused = project.run()
    assert (refused.returncode, len(gateway.posts)) == (2, 0)
    assert "ledger: must be the id of a ledger, 32 characters of 0-9a-f" in refused.stderr
