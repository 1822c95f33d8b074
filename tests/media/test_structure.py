"""Videos as gateways and phones hand them out: bytes around the boxes, brands,
fragments, and which length counts."""

from __future__ import annotations

import io
import struct

import pytest
from expecting import expect

from wanbatch.emulator.examine import clip_length, examine
from wanbatch.media.boxes import read_layout
from wanbatch.media.clips import read_clip
from wanbatch.media.formats import sniff
from wanbatch.media.probe import probe_clip, probe_video
from wanbatch.model.media import ClipFacts, UnreadableFile, VideoFacts

FRAGMENTED = "frag_keyframe+empty_moov+default_base_moof"
BEHIND = {
    b"\r\n": "2 bytes (a line end)",
    b"\n": "1 byte (a line end)",
    b"\0": "1 byte (a zero)",
    bytes(7): "7 bytes (zeros)",
    bytes(8): "8 bytes (zeros)",
    bytes(5000): "5000 bytes (zeros)",
    b"<html>x</html>": "14 bytes (text)",
    b"\r\n--boundary--\r\n": "16 bytes (text)",
    b"0\r\n\r\n": "5 bytes (text)",
    b'{"ok": true}': "12 bytes (text)",
    b"\x93\xaa\1\xfe" * 40: "160 bytes",
    b"\xef\xbb\xbf": "3 bytes (a byte order mark)",
    b"\0\0\3\xe8free1234": "12 bytes",
    b"\0\0\0\5abcd": "8 bytes",
    b"\xff" * 20: "20 bytes",
}


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}, {"movflags": FRAGMENTED}])
@pytest.mark.parametrize("behind", BEHIND, ids=lambda b: repr(b[:12]))
def test_bytes_behind_the_last_box_are_a_remark(clip, behind, options):
    path = clip(frames=60, options=options)
    whole = path.read_bytes()
    path.write_bytes(whole + behind)
    facts = probe_video(path)
    assert isinstance(facts, VideoFacts), facts
    assert facts.remark.startswith(f"{BEHIND[behind]} stand")
    assert facts.remark.endswith(f"behind its last box, from byte {len(whole)} on")
    assert (facts.seconds, facts.bytes) == (2.0, len(whole) + len(behind))
    assert examine("first_clip", path.read_bytes()) is None


@pytest.mark.parametrize("before", [b"\r\n", b"\n", b"\xef\xbb\xbf", bytes(8), b"\r\n\r\n"])
def test_a_video_begins_at_its_first_byte(clip, before):
    path = clip(frames=60)
    path.write_bytes(before + path.read_bytes())
    assert "before its first box" in expect(UnreadableFile, probe_video(path)).text
    assert "before its first box" in expect(UnreadableFile, probe_clip(path)).problem


def test_a_cut_box_of_media_is_truncated_whatever_follows(clip):
    path = clip(frames=60)
    path.write_bytes(path.read_bytes() + b"\0\0\3\xe8mdat" + b"\r\n")
    assert "it is truncated: the mdat box" in expect(UnreadableFile, probe_video(path)).text


def test_a_length_of_64_bits_and_one_that_goes_to_the_end_are_read(clip):
    path = clip(frames=60, options={"movflags": "faststart"})
    content = path.read_bytes()
    at = content.index(b"mdat") - 4
    path.write_bytes(content[:at] + bytes(4) + content[at + 4 :])
    assert expect(VideoFacts, probe_video(path)).seconds == 2.0
    wide = clip("wide.mp4", frames=60).read_bytes()
    at = wide.index(b"free") - 4  # FFmpeg leaves room here for the longer header
    size = struct.unpack(">I", wide[at + 8 : at + 12])[0]
    path.write_bytes(wide[:at] + struct.pack(">I4sQ", 1, b"mdat", size + 8) + wide[at + 16 :])
    assert expect(VideoFacts, probe_video(path)).seconds == 2.0
    path.write_bytes(wide[:at] + struct.pack(">I4sQ", 1, b"mdat", 2**62) + wide[at + 16 :])
    assert "it is truncated" in expect(UnreadableFile, probe_video(path)).text


@pytest.mark.parametrize("audio_s", [0.0, 2.0])
@pytest.mark.parametrize(
    "flags",
    ["frag_keyframe", FRAGMENTED, f"dash+{FRAGMENTED}", f"cmaf+{FRAGMENTED}", f"{FRAGMENTED}+skip_trailer", "frag_keyframe+empty_moov"],
)  # fmt: skip
def test_a_fragmented_video_is_cut_nowhere_but_between_fragments(clip, flags, audio_s):
    path = clip(frames=60, audio_s=audio_s, options={"movflags": flags})
    whole = path.read_bytes()
    facts = expect(VideoFacts, probe_video(path))
    assert facts.fragmented
    assert facts.seconds == pytest.approx(2.0, abs=0.07)
    with path.open("rb") as file:
        edges = {box.at for box in read_layout(file, len(whole)).boxes}
    for length in range(len(whole) - 1, 0, -max(1, len(whole) // 90)):
        path.write_bytes(whole[:length])
        assert isinstance(probe_video(path), UnreadableFile) or length in edges, length
    for length in sorted(edges):
        path.write_bytes(whole[:length])
        found = probe_video(path)
        assert isinstance(found, UnreadableFile) or (
            found.fragmented and found.seconds <= facts.seconds
        )


def test_a_whole_video_is_not_called_fragmented(clip):
    assert not expect(VideoFacts, probe_video(clip(frames=30))).fragmented


def with_promise(content, milliseconds):
    """The file with an ``mehd`` box in its ``mvex``."""
    moov, mvex = content.index(b"moov") - 4, content.index(b"mvex") - 4
    sizes = {at: struct.unpack(">I", content[at : at + 4])[0] + 16 for at in (moov, mvex)}
    promise = struct.pack(">I4sII", 16, b"mehd", 0, milliseconds)
    return b"".join(
        (
            content[:moov], struct.pack(">I", sizes[moov]), content[moov + 4 : mvex],
            struct.pack(">I", sizes[mvex]), b"mvex", promise, content[mvex + 8 :],
        )
    )  # fmt: skip


def test_a_header_that_says_how_much_is_to_come_is_believed(clip):
    path = clip(frames=60, options={"movflags": f"{FRAGMENTED}+skip_trailer"})
    plain = path.read_bytes()
    for promised in (0, 2000, 2100, 1500, 0xFFFFFFFF):
        path.write_bytes(with_promise(plain, promised))
        assert expect(VideoFacts, probe_video(path)).seconds == 2.0
    whole = with_promise(plain, 2000)
    path.write_bytes(whole)
    with path.open("rb") as file:
        pieces = [box.at for box in read_layout(file, len(whole)).boxes if box.type == "moof"]
    for number, at in enumerate(pieces[1:], start=1):
        path.write_bytes(whole[:at])
        held = f"{number * 0.4:.2f}"
        assert expect(UnreadableFile, probe_video(path)).text == (
            f"it is truncated: its header (mehd) says 2.00 s, and its fragments hold {held} s"
        )


def test_an_index_that_names_more_than_there_is_is_believed(clip):
    path = clip(frames=60, options={"movflags": f"{FRAGMENTED}+global_sidx+skip_trailer"})
    whole = path.read_bytes()
    assert isinstance(probe_video(path), VideoFacts)
    with path.open("rb") as file:
        pieces = [box.at for box in read_layout(file, len(whole)).boxes if box.type == "moof"]
    for at in pieces[1:]:
        path.write_bytes(whole[:at])
        assert (
            f"{len(whole) - at} bytes that its index (sidx) names are missing"
            in expect(UnreadableFile, probe_video(path)).text
        )


def test_samples_of_a_fragment_beyond_the_end_are_missed(clip):
    path = clip(frames=60, options={"movflags": f"{FRAGMENTED}+skip_trailer"})
    content = bytearray(path.read_bytes())
    at = content.rindex(b"mdat") - 4
    content[at : at + 4] = bytes(4)
    path.write_bytes(content)
    assert expect(VideoFacts, probe_video(path)).seconds == 2.0
    path.write_bytes(content[:-20])
    assert (
        "it is truncated: a sample ends at byte" in expect(UnreadableFile, probe_video(path)).text
    )


def test_a_track_of_an_absurd_number_is_refused(clip):
    path = clip(frames=60, options={"movflags": FRAGMENTED})
    content = bytearray(path.read_bytes())
    content[content.index(b"tkhd") + 16] = 0xFF
    path.write_bytes(content)
    assert "a track has the number 4278190081" in expect(UnreadableFile, probe_video(path)).text


def test_fragments_that_claim_absurdly_many_samples_are_refused(clip):
    path = clip(frames=60, options={"movflags": FRAGMENTED})
    content = bytearray(path.read_bytes())
    at = content.index(b"trun") + 4
    content[at : at + 12] = struct.pack(">III", 1, 2**32 - 1, 0)
    path.write_bytes(content)
    assert "claim more samples" in expect(UnreadableFile, probe_video(path)).text


@pytest.mark.parametrize(
    ("frames", "sound_s", "fits"), [(60, 12.0, True), (330, 3.0, False), (30, 5.0, False)]
)
def test_the_length_of_a_clip_is_that_of_its_picture_for_the_checks_and_the_emulator(
    clip, frames, sound_s, fits
):
    content = clip(frames=frames, audio_s=sound_s).read_bytes()
    facts = expect(ClipFacts, read_clip(io.BytesIO(content)))
    assert facts.seconds == pytest.approx(frames / 30)
    assert clip_length(content) == round(frames / 30, 2)
    assert (examine("first_clip", content) is None) == fits


@pytest.mark.parametrize("box", ["mvhd", "tkhd", "mdhd"])
@pytest.mark.parametrize("stated", [0, 1, 900_000])
def test_packets_count_and_not_what_a_header_states(clip, box, stated):
    path = clip(frames=60)
    content = bytearray(path.read_bytes())
    at = content.index(box.encode()) + 4 + (20 if box == "tkhd" else 16)
    content[at : at + 4] = struct.pack(">I", stated)
    path.write_bytes(content)
    assert expect(ClipFacts, probe_clip(path)).seconds == 2.0
    assert examine("first_clip", bytes(content)) is None


@pytest.mark.parametrize(
    ("major", "others", "mime"),
    [
        ("3gp5", "3gp5isom", "video/mp4"), ("3gp4", "isom3gp4", "video/mp4"), ("3g2a", "3g2amp41", "video/mp4"), ("3gp4", "3gp43gp5", "video/mp4"),
        ("mp41", "mp41", "video/mp4"), ("iso5", "iso5dash", "video/mp4"), ("M4V ", "M4V mp42", "video/mp4"), ("MSNV", "MSNVmp42", "video/mp4"),
        ("XAVC", "XAVCmp42", "video/mp4"), ("f4v ", "isomf4v ", "video/mp4"), ("dash", "iso6", "video/mp4"), ("cmfc", "iso6", "video/mp4"),
        ("M4A ", "M4A isom", "video/mp4"), ("qt  ", "qt  ", "video/quicktime"), ("abcd", "qt  ", "video/quicktime"), ("abcd", "abcd", "video/mp4"),
    ],
)  # fmt: skip
def test_brands_do_not_hide_a_plain_video(clip, major, others, mime):
    content = clip(frames=60).read_bytes()
    ftyp = struct.pack(">I", 32) + b"ftyp" + major.encode() + bytes(4) + others.encode()
    content = ftyp.ljust(24, b" ") + struct.pack(">I4s", 8, b"free") + content[32:]
    content = struct.pack(">I", 24) + content[4:]
    facts = read_clip(io.BytesIO(content))
    assert isinstance(facts, ClipFacts), facts
    assert (facts.mime, facts.seconds) == (mime, 2.0)
    assert examine("first_clip", content) is None


def test_other_kinds_of_iso_files_keep_their_names(clip):
    content = bytearray(clip(frames=60, codec="mpeg4").read_bytes())
    content[8:12], content[16:32] = b"heic", b"mif1heicmp41isom"
    assert expect(UnreadableFile, read_clip(io.BytesIO(content))).problem == "a HEIC image"
    assert sniff(b"\0\0\0\x18ftyp3gp4\0\0\0\0" + b"3gp4").name == "a 3GP video"
    assert "without its beginning" in sniff(b"\0\0\0\x18styp").name


def test_sound_alone_is_no_clip(tmp_path):
    import av

    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        track = container.add_stream("aac", rate=16000, layout="mono")
        for number in range(50):
            frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            frame.planes[0].update(bytes(frame.planes[0].buffer_size))
            frame.sample_rate, frame.pts = 16000, number * 1024
            container.mux(track.encode(frame))
        container.mux(track.encode())
    content = bytearray(path.read_bytes())
    content[8:12] = b"M4A "
    path.write_bytes(content)
    assert expect(UnreadableFile, probe_clip(path)).problem == "an M4A sound"
    assert expect(UnreadableFile, probe_video(path)).text == "it is an M4A sound"


def test_packets_that_lie_upon_each_other_are_not_read_for_ever(clip):
    path = clip(frames=60, gop=1)
    content = bytearray(path.read_bytes())
    mdat = content.index(b"mdat") + 4
    sizes = content.index(b"stsz") + 4
    chunks = content.index(b"stco") + 4
    (count,) = struct.unpack_from(">I", content, sizes + 8)
    for number in range(count):
        struct.pack_into(">I", content, sizes + 12 + 4 * number, (len(content) - mdat) // 2)
    (count,) = struct.unpack_from(">I", content, chunks + 4)
    for number in range(count):
        struct.pack_into(">I", content, chunks + 8 + 4 * number, mdat)
    path.write_bytes(content)
    assert isinstance(probe_video(path), UnreadableFile)
