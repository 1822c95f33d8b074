"""Whatever a client sends, the readers answer with a value; and what they accept, they
can store and find again."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from wanbatch.emulator.protocols.dashscope import ListQuery, read_list_query
from wanbatch.emulator.protocols.multipart import Form, read_form
from wanbatch.emulator.protocols.parse_dashscope import Reading, read_upstream
from wanbatch.emulator.protocols.parse_gateway import Refused, parse_json, read_submit
from wanbatch.emulator.protocols.parse_stock import read_stock_submit
from wanbatch.emulator.protocols.references import Found, read_url
from wanbatch.emulator.request import (
    Draft,
    Malformed,
    MediaReference,
    VideoRequest,
    request_from_record,
    request_record,
)

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
)
ANY = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
TYPES = st.sampled_from(["first_frame", "last_frame", "driving_audio", "first_clip", "x"])
URLS = st.sampled_from(
    [
        "https://a.example/x",
        "data:image/png;base64,aGk=",
        "oss://a/b",
        "http://[",
        "http://127.0.0.1:1/media/" + "0" * 64,
    ]
) | st.text(max_size=20)
MEDIA = (
    st.lists(st.fixed_dictionaries({"type": TYPES | ANY, "url": URLS | ANY}) | ANY, max_size=3)
    | ANY
)
NAMES = (
    "seconds",
    "size",
    "seed",
    "prompt",
    "negative_prompt",
    "prompt_extend",
    "watermark",
    "images",
    "image",
    "metadata",
    "duration",
    "resolution",
)
BODY = st.fixed_dictionaries(
    {"model": st.just("wan2.7-i2v")},
    optional={
        "media": MEDIA,
        "input": st.fixed_dictionaries({"media": MEDIA}) | ANY,
        "parameters": ANY,
        **dict.fromkeys(NAMES, ANY),
    },
)


@settings(max_examples=400, deadline=None)
@given(BODY | ANY)
def test_a_submit_is_read_or_refused(body: object) -> None:
    assert isinstance(read_submit(body), (Draft, Refused))
    assert isinstance(read_stock_submit(body), (Reading, Refused))
    source = body if isinstance(body, dict) else {}
    reading = read_upstream(
        "wan2.7-i2v", source.get("input", body), source.get("parameters", body), "1080P"
    )
    assert isinstance(reading, Reading)
    assert 2 <= reading.draft.seconds <= 15
    json.dumps(request_record(_taken(reading.draft)))


def _taken(draft: Draft) -> VideoRequest:
    media = tuple(MediaReference(kind, "foreign", url) for kind, url in draft.media)
    request = VideoRequest(
        draft.model,
        draft.prompt,
        draft.negative_prompt,
        media,
        draft.seconds,
        draft.size,
        draft.seed or 0,
        draft.prompt_extend,
        draft.watermark,
    )
    assert request_from_record(request_record(request)) == request
    return request


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_bytes_are_json_or_refused(data: bytes) -> None:
    parse_json(data)
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data", "text/plain", ""):
        assert isinstance(read_form(kind, b"--x\r\n" + data + b"\r\n--x--"), (Form, type(None)))


@settings(max_examples=300, deadline=None)
@given(URLS, TYPES)
def test_urls_are_found_or_refused(url: str, kind: str) -> None:
    assert isinstance(read_url(kind, url), (Found, Malformed))  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["start_time", "end_time", "page_no", "page_size", "status"]),
        st.text(max_size=16) | st.just("20261122000000"),
    )
)
def test_list_queries_are_read_or_refused(query: dict[str, str]) -> None:
    assert isinstance(read_list_query(query, 1_795_000_000.0), (ListQuery, Malformed))
