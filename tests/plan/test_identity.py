"""Identity: what decides the pixels is in it, nothing else is; golden fingerprints are
pinned and never edited."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from builders import DIGESTS, follow, job, manifest, media

from wanbatch.model.elsewhere import video_name
from wanbatch.model.expect import Expectation
from wanbatch.model.job import FileMedia, JobMedia, UrlMedia
from wanbatch.model.media import FileDigest
from wanbatch.plan.history import known_fingerprints
from wanbatch.plan.identity import fingerprint, identify
from wanbatch.words.canonical import canonical_json


def identified(*jobs, digests=DIGESTS):
    return {key[1]: entry for key, entry in identify([manifest(*jobs)], digests).items()}


def under_rule_1(*jobs):
    known = known_fingerprints(identify([manifest(*jobs)], DIGESTS))
    return {name: texts[1] for (_, name), texts in known.items()}


def fp(**changes):
    return identified(job(**changes))["one"].fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "wan2.7-i2v-2026-04-25"},
        {"prompt": "another"},
        {"prompt": None},
        {"negative_prompt": "blurry"},
        {"prompt_extend": True},
        {"watermark": True},
        {"seed": 8},
        {"seconds": 6},
        {"size": "1080P"},
        {"take": 2},
        {"media": (media("first_clip"),)},
        {"media": (media(), media("last_frame"))},
    ],
    ids=lambda c: next(iter(c)),
)
def test_what_decides_pixels_changes_the_fingerprint(changes):
    assert fp(**changes) != fp()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "two", "id": "two"},
        {"tags": ("hero",)},
        {"expect": (Expectation("frozen", most=0.5), Expectation("sound", fact=True))},
        {"axes": (("hour", "dawn"),)},
        {"manifest": "other"},
    ],
    ids=str,
)
def test_what_does_not_decide_pixels_leaves_it_alone(changes):
    other = job(**{"name": "one", **changes})
    assert (
        next(
            iter(identify([replace(manifest(other), name=other.manifest)], DIGESTS).values())
        ).fingerprint
        == fp()
    )


def test_a_file_counts_by_its_bytes_and_not_by_its_name():
    from pathlib import Path

    moved = Path("/elsewhere/b.png")
    other = job(media=(media(source=FileMedia("b.png", moved)),))
    same = identified(other, digests={moved: next(iter(DIGESTS.values()))})["one"]
    assert same.fingerprint == fp()
    altered = identified(other, digests={moved: FileDigest("00" * 32, 1000, "image/png")})["one"]
    assert altered.fingerprint != fp()


def test_jobs_that_name_one_file_are_known_as_if_each_had_its_own():
    one = media()
    first, last = replace(one, route=("jobs", 0)), replace(media("last_frame"), source=one.source)
    jobs = identified(
        job("a", media=(one,)),
        job("b", media=(first,)),
        job("c", media=(replace(first, type="first_clip"),)),
        job("d", media=(one, last)),
    )
    assert jobs["a"].request.media is jobs["b"].request.media
    prints = [entry.fingerprint for entry in jobs.values()]
    apart = [identified(one.job)[name].fingerprint for name, one in jobs.items()]
    assert prints == apart
    assert len(set(prints)) == 3


def test_another_manifests_job_of_the_same_name_is_another_video():
    shared = (media("first_clip", JobMedia("up", None)),)
    manifests = [
        replace(
            manifest(
                job("up", manifest=name, prompt=f"a harbour, {name}"),
                job("down", manifest=name, media=shared),
            ),
            name=name,
        )
        for name in ("one", "two")
    ]
    found = identify(manifests, DIGESTS)
    assert found["one", "down"].fingerprint != found["two", "down"].fingerprint
    for name in ("one", "two"):
        (ref,) = found[name, "down"].request.media
        assert ref.upstream == found[name, "up"].fingerprint


def test_cells_that_share_their_media_are_known_as_if_each_had_its_own():
    def inputs():
        return media(), media("last_frame", UrlMedia("https://a.test/b.png?id=7", None))

    shared = inputs()
    cells = identified(job("a", seed=1, media=shared), job("b", seed=2, media=shared))
    for name, seed in (("a", 1), ("b", 2)):
        alone = identified(job(name, seed=seed, media=inputs()))[name]
        assert (cells[name].fingerprint, cells[name].request) == (alone.fingerprint, alone.request)
    assert cells["a"].fingerprint != cells["b"].fingerprint


def test_a_url_counts_without_its_signature():
    one, two = (
        fp(media=(media(source=UrlMedia(f"https://x.test/a.png?Signature={s}&Expires=9")),))
        for s in ("aaa", "bbb")
    )
    assert one == two
    assert fp(media=(media(source=UrlMedia("https://x.test/b.png?Signature=aaa")),)) != one
    assert fp(media=(media(source=UrlMedia("https://x.test/a.png?v=2")),)) != one


def test_a_chained_job_is_known_by_its_upstream_whatever_order_they_stand_in():
    first, second = job("first"), job("second", media=follow("first"))
    forward, backward = identified(first, second), identified(second, first)
    assert forward["second"].fingerprint == backward["second"].fingerprint
    changed = identified(job("first", seed=8), second)
    assert changed["second"].fingerprint != forward["second"].fingerprint
    assert forward["second"].upstream == (("m", "first"),)


def test_which_frame_is_taken_decides():
    first = job("first")
    frames = [
        identified(first, job("second", media=(media("first_frame", JobMedia("first", f)),)))[
            "second"
        ].fingerprint
        for f in ("first", "last")
    ]
    assert len(set(frames)) == 2


def test_a_chain_of_ten_thousand_jobs_needs_no_deep_stack():
    jobs = [job("j0")] + [job(f"j{n}", media=follow(f"j{n - 1}")) for n in range(1, 10_000)]
    assert len(identified(*reversed(jobs))) == 10_000


CHAIN = (job(), job("two", media=follow("one"), prompt=None, negative_prompt="blur", take=3))
WEB = "https://x.test/a.png?"


def test_golden_fingerprints_of_rule_1():
    plain, chained = under_rule_1(*CHAIN).values()
    assert plain == "wb1:6b50b9f10853f91a7436cfaac2c4e6dfa20f290457e31e34c6ea438e947c92db"
    assert chained == "wb1:d2aac266064fdfd2787fd876ac2538d4ba096196f987fb2f60858c33fb641528"


def test_golden_fingerprints():
    plain, chained = identified(*CHAIN).values()
    assert (
        plain.fingerprint == "wb2:6b50b9f10853f91a7436cfaac2c4e6dfa20f290457e31e34c6ea438e947c92db"
    )
    assert (
        chained.fingerprint
        == "wb2:eb1103ddf15d4d8395ccad43349dc79ca2a371b7cfb3668c3c65d734c5e9b03f"
    )
    assert fingerprint(plain.request, 1) == plain.fingerprint


@pytest.mark.parametrize(
    ("url", "identity", "golden"),
    [
        (
            "https://x.test/a.png",
            None,
            "wb2:676f45ccf6ac7e8c28e527b9589efb5e48a1021397b852022f24168582c57e2c",
        ),
        (
            WEB + "Expires=9&Signature=abc",
            None,
            "wb2:676f45ccf6ac7e8c28e527b9589efb5e48a1021397b852022f24168582c57e2c",
        ),
        (WEB + "v=1", None, "wb2:0843f112f182eded288c6345035f7f156d0e51c97caa51b67a0596843acc2c55"),
        (
            WEB + "k=9f86d081884c7d659a2feaa0c55ad015",
            None,
            "wb2:ae422e9ec97e22f2d7cd36bc224adf430c2beef5d12ed209d16bd67d7355a73c",
        ),
        (
            WEB + "v=1&k=9f86d081884c7d659a2feaa0c55ad015",
            ("v",),
            "wb2:0b9e38de6cd89b3ca5c1612392e8504c1f9b87b0067f2ac4bf791a54a64389ad",
        ),
        (
            WEB + "v=1&k=9f86d081884c7d659a2feaa0c55ad015",
            (),
            "wb2:676f45ccf6ac7e8c28e527b9589efb5e48a1021397b852022f24168582c57e2c",
        ),
    ],
)
def test_golden_fingerprints_of_urls(url, identity, golden):
    assert fp(media=(media(source=UrlMedia(url, identity)),)) == golden


def test_prompts_count_and_are_sent_without_white_space_at_their_ends():
    for text in ("a harbour\n", "\r\n a harbour \t", "\u3000a harbour\u00a0", "\x0ca harbour\x85"):
        one = identified(job(prompt=text, negative_prompt=text))["one"]
        assert (one.request.prompt, one.request.negative_prompt) == ("a harbour", "a harbour")
        assert one.fingerprint == fp(negative_prompt="a harbour")
    assert fp(prompt="a  harbour") != fp()
    assert fp(prompt=" \n\u2003") == fp(prompt=None)
    assert identified(job(prompt=" \n"))["one"].request.prompt is None


def test_under_rule_1_white_space_counts_and_a_chain_counts_its_upstreams_own():
    texts = [under_rule_1(job(prompt=p), *CHAIN[1:]) for p in ("a harbour", "a harbour\n")]
    assert texts[0]["one"] != texts[1]["one"]
    assert texts[0]["two"] != texts[1]["two"]


def test_the_description_of_a_request_holds_every_field_and_no_signature():
    url = "https://x.test/a.png?Signature=s3cret&v=1"
    shown = json.loads(
        identified(job(media=(media(source=UrlMedia(url)),)))["one"].request.describe()
    )
    assert shown == {
        "model": "wan2.7-i2v",
        "prompt": "a harbour",
        "media": [{"type": "first_frame", "source": shown["media"][0]["source"], "sha256": None}],
        "seconds": 5,
        "size": "720P",
        "seed": 7,
        "prompt_extend": False,
        "watermark": False,
    }
    assert "s3cret" not in json.dumps(shown)


def test_canonical_json_is_rfc_8785():
    import rfc8785

    values: list[Any] = [
        {"b": 1, "a": [True, None, 'é\u2028\x07"\\/']},
        {},
        [],
        "\x7f",
        {"nested": {"z": -5, "y": 0}},
    ]
    for value in values:
        assert canonical_json(value) == rfc8785.dumps(value)


def test_the_fingerprint_is_the_hash_of_canonical_json():
    import hashlib

    import rfc8785

    texts = ["plain", None, '\u200b \x07 "quoted" \\ é 🎬']
    for text in texts:
        entry = identified(job(prompt=text, negative_prompt=text, watermark=True, take=2))["one"]
        request = entry.request
        parts = {
            "model": request.model,
            "prompt": text,
            "negative_prompt": text,
            "prompt_extend": False,
            "watermark": True,
            "seed": 7,
            "seconds": 5,
            "size": "720P",
            "take": 2,
            "media": {"first_frame": {"sha256": "ab" * 32}},
        }
        assert entry.fingerprint == "wb2:" + hashlib.sha256(rfc8785.dumps(parts)).hexdigest()


def test_video_names_are_readable_short_and_tell_realms_apart():
    name = video_name("opening[hour=dawn,seed=100]", "wb1:x", "paid")
    assert name.startswith("opening.hour-dawn.seed-100.")
    assert name.endswith(".mp4")
    assert name != video_name("opening[hour=dawn,seed=100]", "wb1:x", "emulator")
    long = video_name("x" * 150 + "[a=" + "é" * 90 + "]", "wb1:x", "paid")
    assert len(long.encode()) <= 200
    assert "/" not in video_name("a[b=%2F..%2F]", "wb1:x", "paid")
