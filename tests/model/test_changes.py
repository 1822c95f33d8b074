"""What differs between two requests, to the letter."""

from __future__ import annotations

import pytest

from wanbatch.model.changes import diff_words, find_changes

PICTURE = {"type": "first_frame", "source": "a.png", "sha256": "ab"}
BEFORE = {"prompt": "A harbour", "media": [PICTURE], "seconds": 5, "seed": 1, "size": "720P"}


def changes(**now):
    return [str(change) for change in find_changes(BEFORE, BEFORE | now)]


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("A harbour", "A quiet harbour", "A {+quiet+} harbour"),
        ("A quiet harbour", "A harbour", "A [-quiet-] harbour"),
        ("at dawn", "at dusk", "at [-dawn-] {+dusk+}"),
        ("a b c d e f g h", "x b c d e f g h", "[-a-] {+x+} b c d …"),
        ("a b c d e f g h", "a b c d e f g x", "… e f g [-h-] {+x+}"),
        ("x b c d e f g h i y", "z b c d e f g h i w", None),
        ("a  b", "a b", "only white space differs"),
        ("", "a", "{+a+}"),
    ],
)
def test_texts_are_compared_by_words(old, new, shown):
    expected = shown or "[-x-] {+z+} b c d … g h i [-y-] {+w+}"
    assert diff_words(old, new) == expected


def test_nothing_differs_from_itself():
    assert find_changes(BEFORE, BEFORE | {"trace": {"family": "x"}}) == ()


def test_values_are_named_with_both():
    assert changes(seed=2, size="1080P") == ["seed: 1 → 2", 'size: "720P" → "1080P"']
    assert changes(negative_prompt="blur") == ['negative_prompt: none → "blur"']


@pytest.mark.parametrize(
    ("media", "words"),
    [
        ([PICTURE | {"source": "moved/a.png"}], []),
        ([PICTURE | {"sha256": "cd"}], ["first_frame: a.png holds other bytes"]),
        ([PICTURE | {"source": "b.png", "sha256": "cd"}], ["first_frame: a.png → b.png"]),
        ([], ["first_frame: a.png → none"]),
        (
            [PICTURE, {"type": "last_frame", "source": "https://x.test/b.png?Signature=s"}],
            ["last_frame: none → https://x.test/b.png?…"],
        ),
    ],
)
def test_media_are_compared_by_content_and_show_no_query(media, words):
    assert changes(media=media) == words


def test_links_and_chains_are_compared_by_their_source():
    one = [{"type": "first_clip", "source": "job:a", "sha256": None}]
    two = [{"type": "first_clip", "source": "job:b", "sha256": None}]
    found = find_changes(BEFORE | {"media": one}, BEFORE | {"media": two})
    assert [str(change) for change in found] == ["first_clip: job:a → job:b"]


def test_what_is_no_list_of_media_is_no_crash():
    assert changes(media="odd") == ["first_frame: a.png → none"]
