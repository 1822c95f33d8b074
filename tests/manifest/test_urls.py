"""What a URL is known by: signatures by name and by look, plain queries, named
parameters; and texts without queries."""

from __future__ import annotations

import secrets
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanbatch.words.addresses import QueryKind, has_user, read_address, show_axis
from wanbatch.words.hiding import hide_in_value, hide_queries
from wanbatch.words.quoting import shown

PLAIN = [
    "v=2&w=1280",
    "id=1234567890123456789",
    "x-oss-process=image/resize,w_300",
    "name=IMG_20240101_123456-Final.png",
    "t=2024-01-02T03-04-05Z-Cam1-Take2",
    "title=The%20Harbour%20At%20Dawn%20In%20Winter",
    "file=harbour-at-dawn-final-v2-2024.png",
    "preset=AbsoluteMinimumQuality",
    "v=1712345678",
    "src=https%3A%2F%2Fcdn.example.com%2Fimages%2Fharbour-2024-final-v2.png",
    "fit=crop&auto=format&q=80&ixlib=rb-4.0.3",
    "design=3&author=bob",
    "policy=x&sp=1&se=2",
]
SIGNED = [
    "X-Amz-Signature=s",
    "x-AMZ-signature=s",
    "X%2DAmz%2DSignature=s",
    "Signature",
    "Signature=a=b==",
    "security_token=s",
    "accessToken=s",
    "api-key=s",
    "sig=s",
    "hdntl=s",
    "__token__=s",
    "__gda__=s",
    "__cld_token__=s",
    "v=1&expires=1",
    "ssig=s&KID=k",
    "x-obs-security-token=s",
    "x-oss-ac-source-ip=s",
    "x-cos-security-token=s",
    "NOSAccessKeyId=s",
    "tempauth=s",
    "ec_token=s",
]
DOUBTFUL = [
    "k=9f86d081884c7d65",
    "9f86d081884c7d659a2feaa0c55ad015",
    f"id=1&k={uuid.UUID(int=2**127 + 12345)}",
    "x=eyJhbGciOi.eyJzdWIiOi.SflKxwRJSM",
    "h=9f8a7b&t=1712345678",
    "h=9f8a7b&t=5fa3b0c1",
    "url=https%3A%2F%2Fh%2Fa%3FSignature%3Dabc",
    "k=1712345678-0-0-9f86d081884c7d659a2feaa0c55ad015",
    "k=exp=1~acl=/*~hmac=ff",
    "h=3q2-7wAAq83vEjRWeJq83vEjRWc",
]


@pytest.mark.parametrize(
    ("queries", "kind"),
    [(PLAIN, QueryKind.WHOLE), (SIGNED, QueryKind.SIGNED), (DOUBTFUL, QueryKind.DOUBTFUL)],
    ids=["plain", "signed", "doubtful"],
)
def test_what_a_query_is_taken_for(queries: list[str], kind: QueryKind) -> None:
    assert [q for q in queries if read_address(f"https://h.test/a.png?{q}").kind is not kind] == []


@pytest.mark.parametrize("draw", [lambda: secrets.token_hex(16), lambda: secrets.token_urlsafe(32)])
def test_random_values_are_doubtful(draw: object) -> None:
    assert callable(draw)
    missed = sum(
        read_address(f"https://h.test/a?zz={draw()}").kind is not QueryKind.DOUBTFUL
        for _ in range(500)
    )
    assert missed <= 15


@given(st.text(), st.none() | st.tuples(st.text()))
def test_no_text_raises_and_no_query_is_shown(text: str, identity: tuple[str, ...] | None) -> None:
    address = read_address(text, identity)
    assert "?" not in address.base
    if identity is None:
        assert address.shown in (address.base, f"{address.base}?…")


def test_order_and_new_signatures_change_nothing_and_other_paths_do() -> None:
    def kept(url: str) -> object:
        address = read_address(url)
        return address.base, address.kind, address.query

    one = kept("https://h/a.png?Expires=1&OSSAccessKeyId=A&Signature=S")
    assert kept("https://h/a.png?Signature=T&security-token=Q&Expires=99") == one
    assert kept("https://h/b.png?Expires=1&Signature=S") != one
    assert kept(f"https://h/a?b=1&{DOUBTFUL[0]}") == kept(f"https://h/a?{DOUBTFUL[0]}&b=1")
    assert kept("https://h/a?") == kept("https://h/a") == kept("https://h/a#top")


def test_signatures_in_the_path_are_taken_out() -> None:
    named = read_address("https://h/bcdn_token=s3cret&expires=1/my/a.mp4")
    assert (named.kind, named.base) == (QueryKind.SIGNED, "https://h/…/my/a.mp4")
    digits = "d1f0b51c6894231fc12e054fcc7f0b3e"
    for path in (f"202407151533/{digits}", f"{digits}/1721029907", f"{digits}/5e57a2d8"):
        stamped = read_address(f"https://h/{path}/foo.jpg")
        assert (stamped.kind, stamped.shown) == (QueryKind.DOUBTFUL, "https://h/…/foo.jpg")
    assert read_address(f"https://h/{digits}/foo.jpg").base == f"https://h/{digits}/foo.jpg"


def test_named_parameters_alone_count_and_are_shown() -> None:
    url = "https://h/a?version=3&k=s3cret&part=%C3%A9"
    assert read_address(url, ("part", "version")).query == ("part=é", "version=3")
    assert read_address(url, ("version",)).shown == "https://h/a?version=3&…"
    assert read_address(url, ()).query == ()
    assert read_address("https://h/a?version=3", ("version",)).shown == "https://h/a?version=3"


def test_users_are_seen_before_the_host_alone() -> None:
    assert has_user("https://user:pw@h/a")
    assert has_user("https://a@b@h/a")
    assert not has_user("https://h/@user/a?b=c@d")


def test_an_axis_is_shown_without_its_query_and_told_apart() -> None:
    one, two = (show_axis(f"https://h/a?id={n}") for n in "12")
    assert one != two
    assert one.startswith("https://h/a?…~")
    assert show_axis("https://h/a?token=1") == show_axis("https://h/a?token=2") == "https://h/a?…"


TEXTS = [
    (
        'first_frame: "https://h/a.png?Signature=SECRET"   # and https://u:SECRET@h/b',
        'first_frame: "https://h/a.png?…"   # and https://…@h/b',
    ),
    (
        "{first_frame: https://h/a?x=SECRET, last_frame: b.png}",
        "{first_frame: https://h/a?…, last_frame: b.png}",
    ),
    ('"HTTPS://h/a?x=SECRET"', '"HTTPS://h/a?…"'),
    ("//h/a.png?Signature=SECRET", "//h/a.png?…"),
    ("oss://b/a?x=SECRET", "oss://b/a?…"),
    ('      ?Signature=SECRET&Expires=1"', '      ?…"'),
    ("      &Signature=SECRET", "      &…"),
    ("https://h/{{ p }}?x={{ s }}&Signature=SECRET", "https://h/{{ p }}?…"),
    (r'"https://h/a\x3fSignature=SECRET"', '"https://h/a?…"'),
    (r'"https:\/\/h\/a?Signature=SECRET"', r'"https:\/\/h\/a?…"'),
    ("https://p/https%3A%2F%2Fh%2Fa%3FSignature%3DSECRET", "https://p/https%3A%2F%2Fh%2Fa?…"),
    ("'https://h/a?x=''SECRET'", "'https://h/a?…'"),
    ('"https://h/a?x=1 SECRET" # kept', '"https://h/a?…" # kept'),
    ("https://h/a?x=1 SECRET # kept", "https://h/a?… # kept"),
    ("https://h/a#access_token=SECRET", "https://h/a"),
    ("(see https://h/a?b=1)", "(see https://h/a?…)"),
    ("Is it day? yes & no", "Is it day? yes & no"),
]


@pytest.mark.parametrize(("text", "hidden"), TEXTS)
def test_texts_lose_the_queries_in_them(text: str, hidden: str) -> None:
    assert hide_queries(text) == hidden
    assert hide_queries(hidden) == hidden


@given(st.text(alphabet="?&=%3F{}\"' /:ahtps.#@\\"))
def test_hiding_twice_is_hiding_once(text: str) -> None:
    hide_in_value(text)
    once = hide_queries(f'"https://h/a?{text}"')
    assert once.startswith('"https://h/a?…')


def test_a_url_is_hidden_before_it_is_cut() -> None:
    text = f"http://h/{'a' * 90}?Signature={'b' * 90}SECRET"
    assert "SECRET" not in shown(text)
    assert "SECRET" not in shown('https://h/a?x="SECRET" SECRET')
