"""``check_media``: every limit on both sides, every file once, every finding at the
right place."""

from __future__ import annotations

import os
import struct
import time
import zlib
from pathlib import Path

import pytest
from PIL import Image

from wanbatch.media import codes, judge
from wanbatch.media.check import check_media
from wanbatch.media.limits import LIMITS
from wanbatch.model.job import FileMedia, Job, JobMedia, Manifest, MediaInput, UrlMedia
from wanbatch.model.media import AudioFacts, ClipFacts, ImageFacts
from wanbatch.words.codes import all_codes
from wanbatch.words.diagnostics import Position, Severity
from wanbatch.words.files import hash_file

NOW = 1_800_000_000.0


def job(*media, name="job", seconds=5):
    return Job(
        name,
        "job",
        "m",
        (),
        (),
        "wan2.7-i2v",
        "p",
        None,
        media,
        seconds,
        "720P",
        1,
        0,
        False,  # noqa: FBT003
        False,  # noqa: FBT003
        Position("m.yaml", 3, 1, 4),
    )


def file_input(path, kind="first_frame", line=7):
    return MediaInput(
        kind,
        FileMedia(f"media/{Path(path).name}", Path(path)),
        Position("m.yaml", line, 9, 20),
        ("jobs", 0, "media", kind),
    )


def check(*jobs, now=NOW):
    return check_media([Manifest("m.yaml", "m", "0" * 64, tuple(jobs))], now)


def found_in(path, kind="first_frame", seconds=15):
    return [d.code for d in check(job(file_input(path, kind), seconds=seconds)).diagnostics]


def png(path, width, height, *, padding_to=0):
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0")),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    if padding_to:
        os.truncate(path, padding_to)
    return path


def bmp(path, width, height):
    """A BMP whose rows are really there, as a sparse file."""
    row = (width * 24 + 31) // 32 * 4
    path.write_bytes(
        b"BM"
        + struct.pack("<IHHI", 54 + row * height, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    )
    os.truncate(path, 54 + row * height)
    return path


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((240, 240), []), ((239, 240), [codes.PIXELS]), ((240, 239), [codes.PIXELS]),
        ((8000, 8000), []), ((8001, 8000), [codes.PIXELS]), ((8000, 8001), [codes.PIXELS]),
        ((240, 1920), []), ((240, 1921), [codes.ASPECT]), ((1920, 240), []), ((1921, 240), [codes.ASPECT]),
        ((8000, 1000), []), ((8000, 999), [codes.ASPECT]), ((100, 900), [codes.PIXELS, codes.ASPECT]),
        ((2**31 - 1, 2**31 - 1), [codes.PIXELS]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["first_frame", "last_frame"])
def test_pixels_and_aspect_of_images(tmp_path, size, expected, kind):
    assert found_in(png(tmp_path / "a.png", *size), kind) == expected


MB = 2**20


@pytest.mark.parametrize(
    ("length", "expected"),
    [(20 * MB, []), (20 * MB + 1, [codes.TOO_BIG]), (80 * MB, [codes.TOO_BIG])],
)
def test_size_of_images(tmp_path, length, expected):
    assert found_in(png(tmp_path / "a.png", 1280, 720, padding_to=length)) == expected


def test_a_big_bmp_is_judged_by_all_its_limits(tmp_path):
    assert found_in(bmp(tmp_path / "a.bmp", 8001, 900)) == [
        codes.TOO_BIG,
        codes.PIXELS,
        codes.ASPECT,
    ]
    assert found_in(bmp(tmp_path / "b.bmp", 1280, 720)) == []


@pytest.mark.parametrize(
    ("samples", "expected"),
    [(16000, []), (15999, [codes.DURATION]), (240_000, []), (240_001, [codes.DURATION])],
)
def test_duration_of_wav(wav, samples, expected):
    path = wav(samples=samples)
    assert [c for c in found_in(path, "driving_audio") if c != codes.SOUND_IS_CUT] == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(2.0, []), (1.99, [codes.DURATION]), (30.0, []), (30.01, [codes.DURATION])],
)
def test_duration_of_mp3(mp3, seconds, expected):
    assert [
        c for c in found_in(mp3(seconds=seconds), "driving_audio") if c != codes.SOUND_IS_CUT
    ] == expected


@pytest.mark.parametrize(("length", "expected"), [(15 * MB, []), (15 * MB + 2, [codes.TOO_BIG])])
def test_size_of_audio(wav, length, expected):
    path = wav(samples=32000)
    content = path.read_bytes()
    junk = length - len(content) - 8
    path.write_bytes(content[:12] + b"JUNK" + struct.pack("<I", junk) + bytes(junk) + content[12:])
    assert path.stat().st_size == length
    assert found_in(path, "driving_audio") == expected


@pytest.mark.parametrize(
    ("frames", "expected"), [(20, []), (19, [codes.DURATION]), (100, []), (101, [codes.DURATION])]
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_duration_of_clips(clip, frames, expected, name):
    assert found_in(clip(name, frames=frames, fps=10), "first_clip") == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((240, 240), []), ((238, 240), [codes.PIXELS]), ((240, 1920), []), ((240, 1922), [codes.ASPECT]),
        ((4096, 512), []), ((4098, 514), [codes.PIXELS]), ((4096, 510), [codes.ASPECT]),
    ],
)  # fmt: skip
def test_pixels_and_aspect_of_clips(clip, size, expected):
    assert found_in(clip(frames=2, fps=1, width=size[0], height=size[1]), "first_clip") == expected


@pytest.mark.parametrize(("length", "expected"), [(100 * MB, []), (100 * MB + 1, [codes.TOO_BIG])])
def test_size_of_clips(clip, length, expected):
    path = clip(frames=2, fps=1)
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", length - file.tell(), b"free"))
    os.truncate(path, length)
    assert found_in(path, "first_clip") == expected


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(4096, 4096, 0), (4097, 4096, 1), (239, 240, 1), (240, 240, 0)],
)
def test_odd_sides_of_clips(width, height, expected):
    facts = ClipFacts("video/mp4", 3.0, width, height, 30.0, has_audio=False)
    assert (
        len(list(judge.objections("a.mp4", Path("a.mp4"), "first_clip", judge.Examined(facts, 1))))
        == expected
    )


@pytest.mark.parametrize(
    ("mode", "options", "expected"),
    [
        ("RGB", {}, []),
        ("RGBA", {}, [codes.ALPHA]),
        ("LA", {}, [codes.ALPHA]),
        ("P", {"transparency": 0}, [codes.ALPHA]),
        ("P", {}, []),
    ],
)
def test_alpha_in_png(tmp_path, mode, options, expected):
    Image.new(mode, (300, 300)).save(tmp_path / "a.png", **options)
    assert found_in(tmp_path / "a.png") == expected


def test_alpha_in_webp_is_not_in_the_table(tmp_path):
    Image.new("RGBA", (300, 300), (1, 2, 3, 4)).save(tmp_path / "a.webp")
    assert found_in(tmp_path / "a.webp") == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
def test_every_image_format_is_taken_under_any_name(tmp_path, kind):
    Image.new("RGB", (300, 300)).save(tmp_path / "picture.gif", kind)
    media = check(job(file_input(tmp_path / "picture.gif")))
    assert not media.diagnostics
    assert media.digests[tmp_path / "picture.gif"].mime == f"image/{kind.lower()}"


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "ICO"])
def test_other_images_are_refused_under_any_name(tmp_path, kind):
    Image.new("RGB", (256, 256)).save(tmp_path / "picture.png", kind)
    assert found_in(tmp_path / "picture.png") == [codes.WRONG_FORMAT]


def test_media_of_one_kind_are_refused_as_another(clip, wav, tmp_path):
    picture = png(tmp_path / "a.png", 300, 300)
    for path, kind in (
        (clip(), "first_frame"), (wav(), "last_frame"), (picture, "driving_audio"), (clip(), "driving_audio"),
        (picture, "first_clip"), (wav(), "first_clip"),
    ):  # fmt: skip
        assert found_in(path, kind) == [codes.WRONG_FORMAT]


def test_what_cannot_be_read_has_its_own_code(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    whole = png(tmp_path / "whole.png", 300, 300).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:-5])
    begun = time.monotonic()
    for name, code in (
        ("none.png", codes.NOT_FOUND), ("pipe.png", codes.NOT_A_FILE), ("zero.png", codes.NOT_A_FILE), ("", codes.NOT_A_FILE),
        ("empty.png", codes.EMPTY), ("cut.png", codes.DAMAGED), ("loop.png", codes.UNREADABLE),
    ):  # fmt: skip
        for kind in ("first_frame", "driving_audio", "first_clip"):
            expected = codes.WRONG_FORMAT if name == "cut.png" and kind != "first_frame" else code
            assert found_in(tmp_path / name, kind) == [expected]
    assert time.monotonic() - begun < 2


def test_a_finding_says_what_was_found_what_is_allowed_and_what_to_do(tmp_path):
    path = png(tmp_path / "pano.png", 4500, 500)
    (finding,) = check(job(file_input(path))).diagnostics
    assert finding.message == "media/pano.png has an aspect ratio of 9:1 (4500 x 500 px)"
    assert finding.label == "that of first_frame lies between 1:8 and 8:1"
    assert finding.help == ("crop it to at most 4000 px in width",)
    assert (finding.place, finding.route, finding.severity) == (
        Position("m.yaml", 7, 9, 20),
        ("jobs", 0, "media", "first_frame"),
        Severity.ERROR,
    )


def test_numbers_just_over_a_limit_do_not_look_like_the_limit(tmp_path):
    def message(facts, kind, length=1):
        return next(judge.objections("a", tmp_path, kind, judge.Examined(facts, length))).message

    assert message(AudioFacts("audio/wav", 30.00005), "driving_audio") == "a lasts 30.0001 s"
    assert message(AudioFacts("audio/wav", 1.99), "driving_audio") == "a lasts 1.99 s"
    assert (
        message(ImageFacts("image/png", 8000, 999), "first_frame")
        == "a has an aspect ratio of 8.01:1 (8000 x 999 px)"
    )
    assert (
        message(ImageFacts("image/png", 300, 300), "first_frame", 20 * MB + 1)
        == "a has 20.000001 MB"
    )
    assert message(ImageFacts("image/png", 300, 300), "first_frame", 25 * MB) == "a has 25.0 MB"


def test_a_missing_file_suggests_what_is_there(tmp_path):
    png(tmp_path / "harbour.png", 300, 300)
    (finding,) = check(job(file_input(tmp_path / "harbor.png"))).diagnostics
    assert finding.help == ("did you mean media/harbour.png?",)
    (finding,) = check(job(file_input(tmp_path / "nowhere" / "harbor.png"))).diagnostics
    assert finding.help == ("there is no folder nowhere either",)


def test_a_git_lfs_pointer_says_how_to_fetch_the_file(tmp_path):
    (tmp_path / "a.png").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
    )
    (finding,) = check(job(file_input(tmp_path / "a.png"))).diagnostics
    assert finding.message == "media/a.png is a Git LFS pointer, not the file itself"
    assert finding.help[0] == "fetch the file with: git lfs pull"


def test_hostile_names_reach_no_terminal(tmp_path):
    source = FileMedia("media/\x1b[2Ja\u202e.png", tmp_path / "a.png")
    (finding,) = check(job(MediaInput("first_frame", source, Position("m.yaml")))).diagnostics
    assert finding.message == "there is no file media/\\x1b[2Ja\\u202e.png"


def test_every_file_is_examined_once_and_reported_at_its_first_use(tmp_path, monkeypatch):
    from wanbatch.media import check as room

    opened = []
    real = room.examine

    def examine(path, kind):
        opened.append(path)
        return real(path, kind)

    monkeypatch.setattr(room, "examine", examine)
    paths = [png(tmp_path / f"{k}.png", 300, 300 if k else 100) for k in range(20)]
    jobs = [job(file_input(paths[k % 20], line=10 + k % 20), name=f"job{k}") for k in range(10_000)]
    begun = time.monotonic()
    media = check(*jobs)
    assert time.monotonic() - begun < 1
    assert sorted(opened) == sorted(paths)
    assert [(d.code, d.place.line) for d in media.diagnostics] == [(codes.PIXELS, 10)]
    assert media.digests[paths[3]].sha256 == hash_file(paths[3])


def test_the_cells_of_a_place_that_have_a_finding_are_named(tmp_path):
    good, bad = png(tmp_path / "good.png", 300, 300), png(tmp_path / "bad.png", 100, 100)
    (finding,) = check(
        job(file_input(good), name="a[x=1]"), job(file_input(bad), name="a[x=2]")
    ).diagnostics
    assert finding.cell == "a[x=2]"
    (finding,) = check(
        job(file_input(bad), name="a[x=1]"), job(file_input(bad), name="a[x=2]")
    ).diagnostics
    assert [cell.name for cell in finding.cells] == ["a[x=1]", "a[x=2]"]


def test_a_file_is_reported_once_with_every_place_that_names_it(tmp_path):
    bad = png(tmp_path / "bad.png", 100, 100)
    (found,) = check(
        job(file_input(bad, line=7), name="a"), job(file_input(bad, line=12), name="b")
    ).diagnostics
    assert found.place.line == 7
    assert [(c.name, c.place and c.place.line) for c in found.cells] == [("a", None), ("b", 12)]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(2, [codes.CLIP_FILLS_VIDEO]), (3, [codes.CLIP_FILLS_VIDEO]), (4, [])]
)
def test_a_clip_as_long_as_the_video_is_a_warning(clip, seconds, expected):
    findings = check(job(file_input(clip(frames=90), "first_clip"), seconds=seconds)).diagnostics
    assert [d.code for d in findings] == expected
    assert all(d.severity is Severity.WARNING for d in findings)


@pytest.mark.parametrize(("seconds", "expected"), [(3, [codes.SOUND_IS_CUT]), (4, []), (5, [])])
def test_a_sound_longer_than_the_video_is_a_warning(wav, seconds, expected):
    findings = check(
        job(file_input(wav(samples=32000), "driving_audio"), seconds=seconds)
    ).diagnostics
    assert [d.code for d in findings] == expected
    assert all(d.severity is Severity.WARNING for d in findings)


def test_a_warning_comes_once_for_each_place_that_deserves_it(wav):
    path = wav(samples=32000)
    jobs = [
        job(file_input(path, "driving_audio", line), name=f"{line}.{s}", seconds=s)
        for line, s in ((1, 5), (1, 3), (1, 2), (2, 3), (3, 4))
    ]
    found = check(*jobs).diagnostics
    assert [(d.place.line, [c.name for c in d.cells]) for d in found] == [
        (1, ["1.3", "1.2"]),
        (2, ["2.3"]),
    ]


def url_job(url):
    return job(MediaInput("first_frame", UrlMedia(url), Position("m.yaml", 4)))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h/a.png", []),
        (
            f"https://h/a.png?Expires={int(NOW) + 3600}&Signature=s",
            ["the URL's signature expires in 60 minutes"],
        ),
        (f"https://h/a.png?Expires={int(NOW) + 3601}&Signature=s", []),
        (
            f"https://h/a.png?Expires={int(NOW) - 7200}&Signature=s",
            ["the URL's signature expired 2 hours ago"],
        ),
        # NOW is 2027-01-15T08:00:00Z
        (
            "https://h/a.png?X-Amz-Date=20270115T073000Z&X-Amz-Expires=3600&X-Amz-Signature=s",
            ["the URL's signature expires in 30 minutes"],
        ),
        ("https://h/a.png?X-Amz-Date=20270115T073000Z&X-Amz-Expires=86400&X-Amz-Signature=s", []),
        (
            "https://h/a.png?x-oss-date=20270115T073000Z&x-oss-expires=1801&x-oss-signature=s",
            ["the URL's signature expires in 1 s"],
        ),
        (
            "https://h/a.png?X-Goog-Date=20270115T073000Z&X-Goog-Expires=1800",
            ["the URL's signature expired 0 s ago"],
        ),
        (
            "https://h/a.png?sig=s&se=2027-01-15T08:10:00Z&sv=1",
            ["the URL's signature expires in 10 minutes"],
        ),
        (
            f"https://h/a.png?q-signature=s&q-sign-time={int(NOW) - 9};{int(NOW) + 600}",
            ["the URL's signature expires in 10 minutes"],
        ),
        ("https://h/a.png?Expires=tomorrow", []),
        ("https://h/a.png?Expires=" + "9" * 5000, []),
        ("https://h/a.png?X-Amz-Date=20279999T999999Z&X-Amz-Expires=1", []),
    ],
)
def test_a_signature_that_soon_expires_is_a_warning(url, expected):
    findings = check(url_job(url), url_job(url)).diagnostics
    assert [d.message for d in findings] == expected
    assert all(d.severity is Severity.WARNING and d.code == codes.URL_EXPIRES for d in findings)


def test_media_of_other_jobs_are_left_alone():
    media = check(job(MediaInput("first_clip", JobMedia("other"), Position("m.yaml"))))
    assert (media.diagnostics, dict(media.digests)) == ((), {})


def test_a_file_that_is_too_big_is_not_hashed(tmp_path):
    path = png(
        tmp_path / "a.png", 300, 300, padding_to=8 * 2**30
    )  # sparse: hashing would take its time
    begun = time.monotonic()
    media = check(job(file_input(path)))
    assert time.monotonic() - begun < 2
    assert [d.code for d in media.diagnostics] == [codes.TOO_BIG]
    assert not media.digests


def test_every_code_of_the_room_is_explained_and_used():
    declared = {c.code for c in all_codes() if c.code.startswith("WB5")}
    assert declared == {value for name, value in vars(codes).items() if name.isupper()}
    assert len(declared) >= 15


def test_the_table_is_that_of_the_api():
    assert {k: (v.megabytes, v.sides, v.seconds) for k, v in LIMITS.items()} == {
        "image": (20, (240, 8000), (0, 0)),
        "audio": (15, (0, 0), (2, 30)),
        "clip": (100, (240, 4096), (2, 10)),
    }
