"""A saved plan's digest: of all that the plan says, and of no time."""

from __future__ import annotations

import hashlib
import json
import random
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from plan.test_planner import PRICES
from report import samples

from wanbatch.model.plan import Action, JobState
from wanbatch.plan.saved import Basis, Choices, complete, digest_of, parse_plan
from wanbatch.report.formats.json import document_text, plan_document
from wanbatch.report.schema import find_violation

BASIS = Basis("ab" * 16, PRICES, Choices(select=("seed=1..3",), variables={"style": "noir"}))


def whole():
    manifest, made, _, _ = samples.make_case(*JobState)
    document = complete(plan_document(made, [manifest]), BASIS)
    return json.loads(document_text(document))


def shifted(value, by):
    """Every instant and every duration is another."""
    if isinstance(value, dict):
        return {
            key: by if one is not None and _is_time(key) else shifted(one, by)
            for key, one in value.items()
        }
    return [shifted(one, by) for one in value] if isinstance(value, list) else value


def _is_time(key):
    return key == "at" or key.endswith(("_at", "_until", "_s"))


def test_the_digest_is_of_the_canonical_form_without_times():
    document = whole()
    assert find_violation(document, "plan") is None

    def without(value):
        if isinstance(value, dict):
            return {
                key: without(one)
                for key, one in value.items()
                if key not in ("digest", "at", "timings") and not key.endswith(("_at", "_until"))
            }
        return [without(one) for one in value] if isinstance(value, list) else value

    assert document["digest"] == hashlib.sha256(rfc8785.dumps(without(document))).hexdigest()
    assert list(document)[:3] == ["schema", "digest", "ledger"]


@pytest.mark.parametrize("seed", range(20))
def test_the_digest_is_independent_of_times_and_of_the_order_of_keys(seed):
    chance = random.Random(seed)
    document = shifted(whole(), f"20{chance.randrange(10, 99)}-01-01T00:00:00.000Z")
    names = list(document)
    chance.shuffle(names)
    assert digest_of({name: document[name] for name in names}) == whole()["digest"]


def _places(value, path=()):
    if isinstance(value, dict):
        for key, one in value.items():
            if not (_is_time(key) or key in ("timings", "digest")):
                yield from _places(one, (*path, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _places(one, (*path, number))
    else:
        yield path


def test_the_digest_covers_everything_else():
    document = whole()
    places = list(_places(document))
    assert len(places) > 100
    for path in places:
        changed = json.loads(json.dumps(document))
        inner = changed
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = "changed"
        assert digest_of(changed) != document["digest"], path


def test_what_is_left_of_a_budget_is_no_part_of_it():
    document = whole()
    assert digest_of({**document, "budget": [{"left": "1"}]}) == document["digest"]


def test_half_a_character_has_a_digest():
    assert len(digest_of({"jobs": [{"reason": "\ud83d"}]})) == 64


def test_a_plan_comes_back_as_it_was_saved():
    saved = parse_plan(whole(), "plan.json")
    assert (saved.source, saved.ledger, saved.currency) == ("plan.json", "ab" * 16, "USD")
    assert saved.per_second == {"720P": Decimal("0.10"), "1080P": Decimal("0.15")}
    assert saved.choices == BASIS.choices
    assert saved.selected() == frozenset(saved.jobs)
    done = next(one for one in saved.jobs.values() if one.action is Action.REUSE)
    assert list(done.attempts.values()) == ["stored"]


def test_queries_of_urls_are_not_kept():
    url = "https://cdn.example.com/a.png?Signature=c2VjcmV0"
    basis = Basis("", None, Choices(variables={"a": url, "b": "plain", "c": "https://u:p@h/#x"}))
    document: Any = complete({"schema": "s"}, basis)
    assert document["choices"]["variables"] == {
        "a": "https://cdn.example.com/a.png?…",
        "b": "plain",
        "c": "https://…@h/",
    }
    assert document["choices"]["hidden"] == ["a", "c"]
    assert document["prices"] is None
    assert document["ledger"] is None
