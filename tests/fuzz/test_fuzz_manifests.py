"""Mutated manifests from file to findings, as many as fit into the suite; ``make fuzz``
runs 100,000. Hypothesis adds texts of its own."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from fuzz import fuzz_manifests
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wanbatch.cli.findings import render_text
from wanbatch.cli.main import main
from wanbatch.manifest.yaml.source import parse_source


@pytest.mark.slow
def test_no_mutated_manifest_breaks_a_promise():
    outcome = fuzz_manifests.fuzz(3_000, seed=7)
    assert outcome.median_s < 0.05
    assert outcome.worst_s < 1
    assert outcome.valid > 80, "the mutations must leave some manifests valid"
    assert len(outcome.codes) > 60, "and reach most findings"


def test_the_fuzzer_notices_an_exception(monkeypatch):
    monkeypatch.setattr("wanbatch.manifest.sweep.matrix._exclude", lambda *_: 1 / 0)
    with pytest.raises(AssertionError, match=r"manifest \d+ of seed 7: ZeroDivisionError"):
        fuzz_manifests.fuzz(500, seed=7)


def test_the_command_ends_with_0_or_2_and_without_a_traceback(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    texts, codes = fuzz_manifests.corpus(), set()
    for number in range(60):
        Path("m.wanbatch.yaml").write_bytes(fuzz_manifests.bend(random.Random(number), texts))
        monkeypatch.setattr(sys, "argv", ["wanbatch", "validate", "m.wanbatch.yaml"])
        with pytest.raises(SystemExit) as ending:
            main()
        codes.add(ending.value.code)
        shown = capfd.readouterr()
        assert ending.value.code in (0, 2), f"manifest {number}: {shown.err}"
        assert "Traceback" not in shown.out + shown.err
    assert codes <= {0, 2}
    assert 2 in codes


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        alphabet=st.sampled_from("ab: -[]{}?,&*!|>'\"%@`#\n\t<{}~0.9e\\\u2028\x85é"), max_size=60
    )
)
@example("? - \n ?")
@example("a: !<")
@example("&a *a")
@example("{a, b: c}: d")
@example("- {<<: {<<: {a: 1}}}")
def test_any_yaml_is_read_or_explained(text):
    source = parse_source("x.yaml", text)
    assert source.findings or source.document is not None
    render_text(source.findings)
    for finding in source.findings:
        assert finding.place.line >= 1
        assert finding.help
