"""Review files: what is read, what is refused and where, and what several come to."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from fractions import Fraction

import pytest
from expecting import expect

from wanbatch.model.review import JobRef, Review, Verdict
from wanbatch.report.review import LARGEST, merge_reviews, parse_review, weigh_opinions
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.schemas import load_schema, schema_errors

AT = "2026-01-31T12:00:00.000Z"
PRINT = "wb2:" + "0" * 64


def pick(name="a", by="Ada", at=AT, **changes):
    return {
        "name": name,
        "fingerprint": PRINT,
        "video": None,
        "verdict": "keep",
        "stars": 0,
        "note": "",
        "by": by,
        "at": at,
    } | changes


def duel(left="a", right="b", **changes):
    return {
        "group": "g",
        "left": {"name": left, "fingerprint": PRINT},
        "right": {"name": right, "fingerprint": PRINT},
        "outcome": "left",
        "swapped": False,
        "by": "Ada",
        "at": AT,
    } | changes


def document(picks=(), duels=(), **changes):
    return {
        "schema": "wanbatch/review@1",
        "manifest": {"name": "harbor", "sha256": "0" * 64},
        "realm": "emulator",
        "reviewers": ["Ada"],
        "picks": list(picks),
        "duels": list(duels),
        "exported_at": AT,
    } | changes


def read(*args, **changes) -> Review:
    return parse_review(json.dumps(document(*args, **changes)).encode(), "r.json")


def test_a_review_is_read_as_it_stands():
    review = read([pick(stars=4, note="\u202e</script>", verdict="reject")], [duel()])
    assert review.picks[0].stars == 4
    assert review.picks[0].verdict is Verdict.REJECT
    assert review.picks[0].note == "\u202e</script>"
    assert review.duels[0].left == JobRef("a", PRINT)
    assert review.duels[0].swapped is False
    assert type(read([pick(stars=4.0)]).picks[0].stars) is int


def test_a_byte_order_mark_is_no_fault():
    assert parse_review(b"\xef\xbb\xbf" + json.dumps(document()).encode(), "r.json").picks == ()


def test_every_key_of_the_schema_says_what_it_is_and_must_be():
    schema = load_schema("review")
    definitions = expect(dict, schema["definitions"])
    mappings = [schema, schema["properties"]["manifest"], *definitions.values()]  # type: ignore[index]
    for mapping in mappings:
        for name, value in mapping.get("properties", {}).items():
            shown = definitions[value["$ref"].rpartition("/")[2]] if "$ref" in value else value
            assert "description" in shown, name
            assert "errorMessage" in shown or "allOf" in shown, name
        if "properties" in mapping:
            assert mapping["additionalProperties"] is False
            assert set(mapping["required"]) == set(mapping["properties"])
    assert not list(schema_errors("review", document([pick()], [duel()])))


def changed(at: tuple[str | int, ...], value: object) -> bytes:
    """A sound document with one value changed, or removed."""
    found = copy.deepcopy(document([pick(), pick("b")], [duel()]))
    node: object = found
    for step in at[:-1]:
        node = node[step]  # type: ignore[index]
    if value is ...:
        del node[at[-1]]  # type: ignore[attr-defined]
    else:
        node[at[-1]] = value  # type: ignore[index]
    return json.dumps(found, indent=1).encode()


WRONG = [
    (b"", ":1:1: the text ends"),
    (b"\xff\xfe{", ":1:1: this byte is no UTF-8"),
    (b'{"schema":\n "\xe9"}', ":2:3: this byte is no UTF-8"),
    (b"[" * 200_000, "more than 32 levels deep"),
    (b"{}", ":1:1: the key"),
    (b"[]", ":1:1: a review is a mapping"),
    (b'"wanbatch/review@1"', ":1:1: a review is a mapping"),
    (b'{"schema": NaN}', ":1:12 (/schema): this is no value"),
    (b'{"schema": "a", "schema": "b"}', ":1:17: this key stands here twice"),
    (b'{"schema": "\\ud800"}', "(/schema): half of a character"),
    (b'{"schema": "wanbatch/report@1"}', ':1:12 (/schema): schema is "wanbatch/report@1"'),
    (b'{"a\\u001b[31m": 1, "schema": 1', "here should be a comma"),
    (b" " * (LARGEST + 1), "it is larger than"),
    (changed(("picks", 1, "stars"), 9), ":27:13 (/picks/1/stars): stars is a whole number"),
    (changed(("picks", 1, "stars"), not None), "(/picks/1/stars): stars is a whole number"),
    (changed(("picks", 0, "stars"), 10**17), "(/picks/0/stars): stars is a whole number"),
    (changed(("picks", 0, "verdict"), "kep"), "(/picks/0/verdict): verdict is keep"),
    (changed(("picks", 0, "note"), "x" * 10_001), "(/picks/0/note): note is a text of at most"),
    (changed(("picks", 0, "note"), ["x"]), "(/picks/0/note): note is a text"),
    (changed(("picks", 0, "name"), ""), "(/picks/0/name): name is a text"),
    (changed(("picks", 0, "fingerprint"), "../../x"), "(/picks/0/fingerprint): fingerprint is"),
    (changed(("picks", 0, "by"), ...), '(/picks/0): the key "by" is missing'),
    (changed(("picks", 0, "star"), 1), '(/picks/0): unknown key "star": did you mean stars?'),
    (changed(("picks", 0, "__proto__"), {}), '(/picks/0): unknown key "__proto__"'),
    (changed(("picks", 0, "\x1b[2J\u202e"), 1), '(/picks/0): unknown key "\\x1b[2J\\u202e"'),
    (changed(("picks",), {}), "(/picks): picks is a list"),
    (changed(("duels", 0, "outcome"), "up"), "(/duels/0/outcome): outcome is left"),
    (changed(("duels", 0, "swapped"), 1), "(/duels/0/swapped): swapped is true or false"),
    (changed(("duels", 0, "right", "name"), "a"), "(/duels/0/right): a video meets itself"),
    (changed(("exported_at",), "yesterday"), "(/exported_at): an instant is written"),
    (changed(("manifest", "sha256"), "0" * 64 + "\n"), "(/manifest/sha256): sha256 is 64"),
    (changed(("realm",), "moon"), "(/realm): realm is paid or emulator"),
]


@pytest.mark.parametrize(("data", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_a_wrong_or_hostile_file_is_refused_with_its_place(data, said):
    with pytest.raises(WanbatchError) as caught:
        parse_review(data, "r.json")
    assert caught.value.exit_code is ExitCode.INVALID
    assert caught.value.message.startswith("r.json:")
    assert said in caught.value.message
    assert len(caught.value.message) < 400
    assert caught.value.message.isprintable()


def test_of_one_persons_words_the_newest_counts_whichever_file_comes_first():
    old = read([pick(stars=1), pick("b")], [duel()])
    later = "2026-02-01T00:00:00Z"
    new = read([pick(stars=5, at=later)], [duel(), duel(at=later)], exported_at=later)
    one, other = merge_reviews([old, new]), merge_reviews([new, old])
    assert set(one.picks) == set(other.picks)
    assert [(p.job.name, p.stars) for p in one.picks] == [("a", 5), ("b", 0)]
    assert len(one.duels) == 2, "an equal showing counts once"
    assert merge_reviews([one, one]) == one
    assert one.exported_at == later


def test_several_people_stand_beside_each_other():
    ada, bob = read([pick(stars=4)]), read([pick(by="Bob", verdict="reject")], reviewers=["Bob"])
    merged = merge_reviews([ada, bob])
    assert merged.reviewers == ("Ada", "Bob")
    [opinion] = weigh_opinions(merged.picks).values()
    assert (opinion.keeps, opinion.rejects, opinion.stars) == (1, 1, Fraction(4))
    assert opinion.is_even
    assert opinion.verdict is Verdict.NONE
    cleo = read([pick(by="Cleo", stars=1)], reviewers=["Cleo"])
    [opinion] = weigh_opinions(merge_reviews([merged, cleo]).picks).values()
    assert opinion.verdict is Verdict.KEEP
    assert opinion.stars == Fraction(5, 2)
    assert replace(opinion, keeps=0).verdict is Verdict.REJECT
