"""What each dialect sends, by value; and that a fourth one is found by its entry
point."""

import json
import subprocess
import sys
import textwrap

import pytest

from wanbatch.model.ports import Cancelling, Dialect, Listing
from wanbatch.model.wire import MediaDelivery
from wanbatch.providers.dialects.registry import cautions_for, dialect_for, objection_for
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.plugins import dialect_kinds

KINDS = ["gateway", "gateway-metadata", "dashscope"]
COMBINATIONS = [
    ("first_frame",),
    ("first_frame", "driving_audio"),
    ("first_frame", "last_frame"),
    ("first_frame", "last_frame", "driving_audio"),
    ("first_clip",),
    ("first_clip", "last_frame"),
]


def sent(kind, request):
    wire = dialect_for(kind).submit(request, {ref.type: ref.url for ref in request.media})
    return wire, json.loads(wire.body)


@pytest.mark.parametrize("kind", [*KINDS, "emulator"])
def test_every_kind_is_a_dialect(kind):
    assert isinstance(dialect_for(kind), Dialect)


def test_who_can_list_and_cancel():
    assert [kind for kind in KINDS if isinstance(dialect_for(kind), Listing)] == ["dashscope"]
    assert [kind for kind in KINDS if isinstance(dialect_for(kind), Cancelling)] == ["dashscope"]


def test_the_gateway_states_every_field(request_with):
    wire, body = sent(
        "gateway",
        request_with(
            "first_frame", "last_frame", negative_prompt="fog", seed=7, seconds=12, size="1080P"
        ),
    )
    assert (wire.method, wire.path) == ("POST", "/v1/videos")
    assert body == {
        "model": "wan2.7-i2v",
        "media": [
            {"type": "first_frame", "url": "https://media.example/first_frame"},
            {"type": "last_frame", "url": "https://media.example/last_frame"},
        ],
        "prompt": "a boat",
        "negative_prompt": "fog",
        "seconds": "12",
        "size": "1080P",
        "seed": 7,
        "prompt_extend": False,
        "watermark": False,
    }


def test_stock_new_api_gets_them_under_metadata(request_with):
    wire, body = sent(
        "gateway-metadata",
        request_with("first_frame", negative_prompt="fog", seed=7, prompt_extend=True),
    )
    assert (wire.method, wire.path) == ("POST", "/v1/videos")
    assert body == {
        "model": "wan2.7-i2v",
        "prompt": "a boat",
        "seconds": "5",
        "size": "720P",
        "metadata": {
            "input": {
                "media": [{"type": "first_frame", "url": "https://media.example/first_frame"}],
                "negative_prompt": "fog",
            },
            "parameters": {
                "resolution": "720P",
                "duration": 5,
                "prompt_extend": True,
                "watermark": False,
                "seed": 7,
            },
        },
    }


def test_dashscope_gets_input_and_parameters(request_with):
    wire, body = sent("dashscope", request_with("first_frame", negative_prompt="fog"))
    assert (wire.method, wire.path) == (
        "POST",
        "/api/v1/services/aigc/video-generation/video-synthesis",
    )
    assert wire.headers["x-dashscope-async"] == "enable"
    assert "x-dashscope-ossresourceresolve" not in wire.headers
    assert body == {
        "model": "wan2.7-i2v",
        "input": {
            "media": [{"type": "first_frame", "url": "https://media.example/first_frame"}],
            "prompt": "a boat",
            "negative_prompt": "fog",
        },
        "parameters": {
            "resolution": "720P",
            "duration": 5,
            "prompt_extend": False,
            "watermark": False,
            "seed": 0,
        },
    }


def test_dashscope_is_asked_to_resolve_its_own_addresses(request_with):
    wire = dialect_for("dashscope").submit(request_with(), {"first_frame": "oss://x/y.png"})
    assert wire.headers["x-dashscope-ossresourceresolve"] == "enable"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("types", COMBINATIONS)
def test_all_six_combinations(kind, types, request_with):
    _, body = sent(kind, request_with(*types))
    media = body.get("media") or body.get("metadata", body).get("input", {}).get("media")
    assert [entry["type"] for entry in media] == list(types)


@pytest.mark.parametrize("kind", KINDS)
def test_absent_fields_stay_absent_and_zero_stays_zero(kind, request_with):
    wire, _ = sent(kind, request_with(prompt=None))
    assert b"negative_prompt" not in wire.body
    assert b'"seed":0' in wire.body
    assert b'"prompt_extend":false' in wire.body
    assert b"null" not in wire.body


@pytest.mark.parametrize("kind", KINDS)
def test_any_prompt_can_be_encoded(kind, request_with):
    wire, body = sent(kind, request_with(prompt='港口 "🚢" \ud800 </script>\n'))
    assert wire.body.isascii()
    assert "🚢" in json.dumps(body, ensure_ascii=False)


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_quoted(kind):
    assert dialect_for(kind).status("a:b").path.endswith("/a%3Ab")
    assert "/../" not in dialect_for(kind).status("../x").path


def test_what_stock_new_api_loses_is_warned_of(request_with):
    told = cautions_for("gateway-metadata", request_with(seed=0, prompt_extend=False))
    assert len(told) == 2
    assert cautions_for("gateway-metadata", request_with(seed=1, prompt_extend=True)) == ()
    assert cautions_for("gateway", request_with(seed=0)) == ()
    assert "prompt" in (objection_for("gateway-metadata", request_with(prompt=None)) or "")
    assert objection_for("gateway", request_with(prompt=None)) is None


def test_what_dashscope_cuts_is_warned_of(request_with):
    assert (
        cautions_for("dashscope", request_with(prompt="x" * 5001, negative_prompt="y" * 501)) != ()
    )
    assert (
        cautions_for("dashscope", request_with(prompt="x" * 5000, negative_prompt="y" * 500)) == ()
    )


def test_an_unknown_kind_lists_those_that_exist():
    with pytest.raises(WanbatchError) as caught:
        dialect_for("nonsense")
    assert caught.value.exit_code is ExitCode.INVALID
    assert "dashscope" in caught.value.hints[0]


DIALECT = """
    from wanbatch.providers.dialects.gateway import Gateway
    from wanbatch.model.wire import WireRequest

    class Fourth(Gateway):
        kind = "fourth"

        def status(self, task_id):
            return WireRequest("GET", f"/fourth/{task_id}")

    class Broken:
        kind = "broken"
"""


def test_a_dialect_of_others_is_found_by_its_entry_point(tmp_path):
    """Installs a package with two entry points the way pip does, and uses them from a
    fresh process."""
    (tmp_path / "fourth.py").write_text(textwrap.dedent(DIALECT))
    info = tmp_path / "fourth-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fourth\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[wanbatch.dialects]\nfourth = fourth:Fourth\nbroken = fourth:Broken\n"
    )
    (tmp_path / "config.toml").write_text(
        '[backends.mine]\nkind = "fourth"\nbase_url = "https://a.example"\napi_key_env = "K"\n'
    )
    script = f"""
        from wanbatch.words.errors import WanbatchError
        from wanbatch.providers.dialects.registry import dialect_for, dialect_kinds
        from wanbatch.config.profiles import load_profiles, resolve_profile
        profile = resolve_profile(load_profiles({{"WANBATCH_CONFIG": {str(tmp_path / "config.toml")!r}}}), "mine", {{"K": "k"}})
        print(dialect_for(profile.kind).status("t").path, dialect_kinds()[-2:])
        try:
            dialect_for("broken")
        except WanbatchError as refusal:
            print(refusal.message)
    """
    import wanbatch

    home = wanbatch.__path__[0].rpartition("/")[0]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={"PYTHONPATH": f"{tmp_path}:{home}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "/fourth/t ('broken', 'fourth')",
        "what is registered as the dialect 'broken' lacks some of the methods of one",
    ]
    assert "fourth" not in dialect_kinds()


def test_media_delivery_hides_its_keys():
    from wanbatch.model.wire import Secret

    assert "abc" not in repr(
        MediaDelivery("s3", access_key=Secret("abc"), secret_key=Secret("abc"))
    )
