"""The strict job schema against the strict emulator: what one accepts the other
accepts, what one refuses the other refuses.

How it works: jobs are drawn, mostly nearly right, and put on the wire as the gateway
dialect does (media as a list, seconds as a string). Left out is what only one of them
can know: paths (never sent as they are), references, and http:// (the emulator's own
media).
"""

from __future__ import annotations

from hypothesis import event, given, settings
from hypothesis import strategies as st

from wanbatch.emulator.protocols.parse_gateway import Refused, read_submit
from wanbatch.model.job import MEDIA_TYPES
from wanbatch.words.schemas import gate

URL = st.sampled_from(["https://e.com/a.png", "https://e.com/b?x=1"])
BAD_URL = st.sampled_from(["ftp://e.com/a", "file:///a", ""])
COMBINATIONS = st.lists(st.sampled_from(MEDIA_TYPES), max_size=4, unique=True)


@st.composite
def drawn_media(draw: st.DrawFn) -> dict[str, object]:
    media: dict[str, object] = {kind: draw(URL) for kind in draw(COMBINATIONS)}
    if draw(st.integers(0, 9)) == 0:
        media[draw(st.sampled_from([*MEDIA_TYPES, "mask"]))] = draw(
            st.one_of(BAD_URL, st.just(5), st.none())
        )
    return media


def nearly(
    good: st.SearchStrategy[object], bad: st.SearchStrategy[object]
) -> st.SearchStrategy[object]:
    return st.integers(0, 14).flatmap(lambda n: bad if n == 0 else good)


def texts(limit: int) -> st.SearchStrategy[object]:
    return st.one_of(st.text("aé 港\n\t🎬", min_size=1, max_size=20), st.just("é" * limit))


JOBS = st.fixed_dictionaries(
    {
        "model": nearly(
            st.sampled_from(["wan2.7-i2v", "wan2.7-i2v-2026-04-25", "wan2.7-i2v-2027-01-01"]),
            st.sampled_from(["wan2.6-i2v", "wan2.7-i2v-26", "wan2.7-i2v\n", "", 5, None]),
        ),
        "media": drawn_media(),
        "seconds": nearly(
            st.integers(2, 15), st.one_of(st.integers(-3, 30), st.sampled_from([5.5, True, None]))
        ),
        "size": nearly(
            st.sampled_from(["720P", "1080P"]), st.sampled_from(["720p", "4K", "", 720, None])
        ),
        "seed": nearly(
            st.integers(0, 2**31 - 1), st.sampled_from([-1, 2**31, 1.5, "1", None, True])
        ),
        "prompt_extend": nearly(st.booleans(), st.sampled_from(["true", 1, None])),
        "watermark": nearly(st.booleans(), st.sampled_from(["false", 0, None])),
    },
    optional={
        "prompt": nearly(
            texts(5000), st.sampled_from([5, None, [], "", "a\x00b", "x" * 5001, "\x7f"])
        ),
        "negative_prompt": nearly(
            texts(500), st.sampled_from([5, None, [], "", "a\x1bb", "x" * 501])
        ),
        "extra": st.just(1),
    },
)


def on_the_wire(job: dict[str, object]) -> dict[str, object]:
    media, seconds = job["media"], job["seconds"]
    assert isinstance(media, dict)
    as_text = (
        str(seconds)
        if isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        else seconds
    )
    return {
        **job,
        "media": [{"type": kind, "url": url} for kind, url in media.items()],
        "seconds": as_text,
    }


@settings(max_examples=500, deadline=None)
@given(JOBS)
def test_the_schema_and_the_emulator_agree(job: dict[str, object]) -> None:
    accepted = gate("job").is_valid(job)
    event("accepted" if accepted else "refused")
    assert (not isinstance(read_submit(on_the_wire(job)), Refused)) == accepted, job


def test_all_sixteen_subsets_agree() -> None:
    good = {
        "model": "wan2.7-i2v",
        "seconds": 5,
        "size": "720P",
        "seed": 1,
        "prompt_extend": False,
        "watermark": False,
    }
    legal = 0
    for bits in range(16):
        media = {kind: "https://e.com/a" for n, kind in enumerate(MEDIA_TYPES) if bits >> n & 1}
        job: dict[str, object] = {**good, "media": media}
        accepted = gate("job").is_valid(job)
        assert (not isinstance(read_submit(on_the_wire(job)), Refused)) == accepted
        legal += accepted
    assert legal == 6
