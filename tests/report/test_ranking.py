"""The ranking by duels, and that the page makes the same."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from report.test_review import PRINT, duel, read

from wanbatch.model.review import JobRef
from wanbatch.report.ranking import fit_strengths, settle_duels

NODE = shutil.which("node") or "node"
LOAD = (Path(__file__).parent / "web/load.mjs").as_uri()


def scores(*duels):
    return [(r.a.name, r.b.name, r.score) for r in settle_duels(read([], duels).duels)]


def test_a_win_counts_only_if_it_survives_the_swap():
    first, agrees = duel("b", "a"), duel("a", "b", outcome="right", swapped=True)
    assert scores(first) == [], "it waits for its second showing"
    assert scores(first, agrees) == [("a", "b", 0.0)]
    assert scores(first, duel("a", "b", outcome="left", swapped=True)) == [("a", "b", 0.5)]
    assert scores(first, duel("a", "b", outcome="both_bad", swapped=True)) == [("a", "b", 0.5)]
    assert scores(duel(outcome="same")) == [("a", "b", 0.5)]
    assert scores(first, duel("a", "b", outcome="right", swapped=True, by="Bob")) == []


def test_no_duels_no_strengths():
    jobs = [JobRef("a", PRINT), JobRef("b", PRINT)]
    assert fit_strengths(jobs, []) == dict.fromkeys(jobs, 0.0)
    assert fit_strengths([], []) == {}


def drawn(seed):
    dice = random.Random(seed)
    names = [f"j{n}" for n in range(9)]
    duels = []
    for number in range(120):
        left, right = dice.sample(names, 2)
        outcome = dice.choice(["left", "left", "right", "same", "both_bad"])
        by = dice.choice(["Ada", "Bob"])
        duels.append(duel(left, right, outcome=outcome, swapped=bool(number % 2), by=by))
    return names, duels


@pytest.mark.parametrize("seed", range(3))
def test_python_and_the_page_rank_the_same_way(seed):
    names, duels = drawn(seed)
    keys = [f"{name}\n{PRINT}" for name in names]
    script = f"""
        import {{ load }} from {json.dumps(LOAD)};
        const {{ settleDuels, numberResults, fitStrengths }} = load("ranking.js");
        const keys = {json.dumps(keys)};
        const results = settleDuels({json.dumps(duels)}).results;
        const fit = fitStrengths(keys.length, numberResults(keys, results));
        console.log(JSON.stringify([results.map((r) => r.score), [...fit.strength]]));
    """
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    said, theirs = json.loads(done.stdout)
    results = settle_duels(read([], duels).duels)
    assert [result.score for result in results] == said
    ours = fit_strengths([JobRef(name, PRINT) for name in names], results)
    assert list(ours.values()) == pytest.approx(theirs, abs=1e-6)
    assert max(theirs) > 0.1
