"""Templates: what they may, what they may not, and that none of it takes long."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spending import spending

from wanbatch.manifest.template.problem import TemplateProblem, Variables, find_token
from wanbatch.manifest.template.sandbox import Sandbox
from wanbatch.manifest.template.templates import Templates, is_template, read_plain
from wanbatch.words.quoting import shown

KNOWN: Variables = {"hour": "dawn", "n": 4, "tall": True, "nothing": None, "job": {"id": "opening"}}


def render(text: str) -> str:
    return Templates().compile(text).render(KNOWN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ hour }}", "dawn"),
        ("{{ hour | upper }} {{ job.id }}", "DAWN opening"),
        ("{{ n * 2 + 1 }} {{ n / 2 }} {{ n // 3 }} {{ n % 3 }} {{ -n }}", "9 2 1 1 -4"),
        ("{{ tall }} {{ nothing }}|", "true |"),
        ("{% if tall and n > 3 %}yes{% else %}no{% endif %}", "yes"),
        ("{% for w in ['a', 'b'] %}{{ loop.index }}{{ w }}{% endfor %}", "1a2b"),
        ("{{ missing | default('x') }}{{ missing is defined }}", "xfalse"),
        ("{{ hour[0] }}{{ hour[1:3] }}", "daw"),
        ("{{ hour ~ n }}", "dawn4"),
        ("{{ 'a' if n in [4, 5] else 'b' }}", "a"),
        (
            (
                "{{ n | zfill(3) }} {{ '7' | int + 1 }} {{ 2.5 | round }} {{ hour | replace('a',"
                " 'o') }}"
            ),
            "004 8 3 down",
        ),
        ("{# unseen #}x{% raw %}{{ y }}{% endraw %}", "x{{ y }}"),
        ("line\n", "line\n"),
        (
            (
                "{{ -3 | abs }} {{ '-2.5' | abs }} {{ 'x' | length }} {{ hour | first }}{{ hour |"
                " last }} {{ ' a ' | trim }}"
            ),
            "3 2.5 1 dn a",
        ),
        (
            (
                "{{ 2.345 | round(2) }} {{ '3.7' | float }} {{ 3.7 | int }} {{ hour | truncate(3)"
                " }} {{ 'aB' | capitalize }}"
            ),
            "2.35 3.7 3 da… Ab",
        ),
        (
            (
                "{{ [1, 2] | join('-') }} {{ hour | list | join(' ') }} {{ '' | default('e',"
                " true) }} {{ none | default('n', true) }}"
            ),
            "1-2 d a w n e n",
        ),
        (
            (
                "{{ n is even }} {{ n is odd }} {{ hour is string }} {{ n is number }} {{ nothing"
                " is none }}"
            ),
            "true false true true true",
        ),
    ],
)
def test_what_templates_may(text: str, expected: str) -> None:
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{{ missing }}", "WB302"), ("{{ lipsum }}", "WB302"), ("{{ self }}", "WB302"), ("{{ range }}", "WB302"),
        ("{{ hour.__class__ }}", "WB303"), ("{{ hour['__class__'] }}", "WB306"), ("{{ hour | attr('x') }}", "WB304"),
        ("{{ hour() }}", "WB303"), ("{{ 'x'.join('ab') }}", "WB303"), ("{{ range(9) }}", "WB303"), ("{{ cycler('a') }}", "WB303"),
        ("{{ 2 ** (2 ** 33) }}", "WB303"), ("{{ 'a' * 1000000000 }}", "WB306"), ("{{ [1] * 1000000000 }}", "WB306"),
        ("{{ '%1000000000d' % n }}", "WB306"), ("{{ hour | format(1) }}", "WB304"), ("{{ hour + 'x' }}", "WB306"), ("{{ 1 / 0 }}", "WB306"),
        ("{{ hour | int }}", "WB306"), ("{{ 1 | round(99) }}", "WB306"), ("{{ '' | first }}", "WB306"),
        ("{{ missing + 1 }}", "WB302"), ("{{ missing ~ 'a' }}", "WB302"), ("{% for a in missing %}{% endfor %}", "WB302"),
        ("{% for a in 5 %}{% endfor %}", "WB306"),
        ("{{ missing | upper }}", "WB302"), ("{{ hour | join('xxxxxxxxxx' | replace('x', hour * 9)) }}", "WB306"),
        ("{% set x = 1 %}", "WB303"), ("{% macro m() %}{% endmacro %}", "WB303"), ("{% include 'a' %}", "WB303"), ("{% import 'a' as b %}", "WB303"),
        ("{% extends 'a' %}", "WB303"), ("{% block b %}{% endblock %}", "WB303"), ("{% call hour() %}{% endcall %}", "WB303"),
        ("{% filter upper %}x{% endfilter %}", "WB303"), ("{% with x = 1 %}{% endwith %}", "WB303"), ("{{ {'a': 1} }}", "WB303"),
        ("{% for x in [1] recursive %}{% endfor %}", "WB303"), ("{{ job.items }}", "WB303"), ("{{ job }}", "WB306"), ("{{ [1] }}", "WB306"),
        ("{{ hour | uper }}", "WB304"), ("{{ hour is strng }}", "WB304"),
        ("{{ hour", "WB301"), ("{% if x %}", "WB301"), ("{{ }}", "WB301"), ("{% fi %}", "WB301"), ("{# open", "WB301"), ("{{ 'a }}", "WB301"),
        ("{{ " + "(" * 5_000 + " }}", "WB305"), ("{{ " + "not " * 5_000 + "1 }}", "WB305"), ("{{ " + "-" * 5_000 + "1 }}", "WB305"),
        ("{{ " + "[" * 200 + "]" * 200 + " }}", "WB305"), ("{{ " + "9" * 5_000 + " }}", "WB305"), ("{{ " + "1 + " * 5_000 + "1 }}", "WB305"),
        ("{{ hour }}" * 7_000, "WB305"), ("x" * 65_000 + "{{ hour }}", "WB305"), ("{{ n * 1000000000000000 }}", "WB305"),
        ("{% for a in 'x' | replace('x', 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy') %}" * 4 + "." + "{% endfor %}" * 4, "WB305"),
        (("{{ hour | replace('', 'xxxxxxxxx') | replace('x', 'yyyyyyyyyyyyyyyyyyyy') |"
" replace('y', 'zzzzzzzzzzzzzzzzzzzzzzzzz') }}"), "WB305"),
        ("{% if " + " or ".join(["n"] * 3_000) + " %}{% endif %}", "WB305"),
    ],
)  # fmt: skip
def test_what_templates_may_not(text: str, code: str) -> None:
    with spending() as spent, pytest.raises(TemplateProblem) as problem:
        render(text)
    assert problem.value.code == code
    assert problem.value.hints
    assert spent.cpu_s < 1


def test_the_environment_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANBATCH_API_KEY", "sk-secret")
    for text in (
        "{{ WANBATCH_API_KEY }}",
        "{{ environ }}",
        "{{ config }}",
        "{{ request }}",
        "{{ namespace }}",
        "{{ joiner }}",
        "{{ dict }}",
        "{{ caller }}",
    ):
        with pytest.raises(TemplateProblem):
            render(text)


def test_a_text_is_compiled_once_and_a_problem_is_raised_anew() -> None:
    templates = Templates()
    assert templates.compile("{{ hour }}") is templates.compile("{{ hour }}")
    problems = []
    for _ in range(2):
        with pytest.raises(TemplateProblem) as problem:
            templates.compile("{{ hour")
        problems.append(problem.value)
    assert problems[0] is not problems[1]
    assert problems[0].code == problems[1].code


def test_the_names_that_a_template_reads() -> None:
    text = (
        "{{ a }}{% for b in c %}{{ b }}{{ loop.index }}{% endfor %}{% if d is defined %}{{ e |"
        " default(f) }}{% endif %}{{ job.id }}"
    )
    assert Templates().compile(text).names == {"a", "c", "d", "e", "f", "job"}


def test_only_marks_make_a_template() -> None:
    assert [is_template(t) for t in ("plain { } % #", "{{ a }}", "{% if %}", "{# #}")] == [
        False,
        True,
        True,
        True,
    ]


def test_tokens_are_found_inside_marks_only() -> None:
    assert find_token("hour is {{ hours }} not {{ hour }}", "hour") == 27
    assert find_token("hour", "hour") is None


def test_work_is_counted_anew_for_every_rendering() -> None:
    template = Templates().compile("{% for a in t %}{% for b in t %}.{% endfor %}{% endfor %}")
    for _ in range(3):
        assert len(template.render({"t": "x" * 90})) == 8_100


PIECES = [
    "a",
    " ",
    "\n",
    "\r\n",
    "}}",
    "}",
    "{",
    "%}",
    "{{ hour }}",
    "{{n}}",
    "{{\ttall }}",
    "{{ nothing }}",
    "{{ job.id }}",
    "{{ f }}",
    "{{ no }}",
    "{{ true }}",
    "é港",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_the_plain_path_agrees_with_jinja(text: str) -> None:
    known: Variables = {**KNOWN, "f": 2.0}
    plain = read_plain(text)
    if plain is None:
        return
    whole = Sandbox().compile(text)
    assert plain.names == whole.names
    try:
        expected: object = whole.render(known)
    except TemplateProblem as problem:
        expected = (problem.code, problem.offset, problem.hints)
    try:
        found: object = plain.render(known)
    except TemplateProblem as problem:
        found = (problem.code, problem.offset, problem.hints)
    assert found == expected


def test_most_templates_need_no_jinja() -> None:
    for text in ("{{ a }}", "at {{ hour }}, {{style}} by {{ job.id }}"):
        assert read_plain(text) is not None
    for text in (
        "{{ a | upper }}",
        "{% if a %}{% endif %}",
        "{{ true }}",
        "{{ a.b }}",
        "{{ 'a' }}",
        "{{- a }}",
        "{{ job }}",
        "{{ self }}",
        "{{ a",
        "{# a #}",
    ):
        assert read_plain(text) is None


def test_long_texts_cannot_be_multiplied() -> None:
    """A variable may be long, as a column of a data file is; what is made of it may
    not."""
    templates = Templates()
    for text in (
        "{{ " + " ~ ".join(["t"] * 900) + " }}",
        "{{ t | upper | lower | upper }}",
        "{{ t }}",
        "{{ [t, t] | join }}",
    ):
        with spending() as spent, pytest.raises(TemplateProblem) as problem:
            templates.compile(text).render({"t": "x" * 1_000_000})
        assert problem.value.code == "WB305"
        assert spent.cpu_s < 0.5


def test_the_work_of_all_renderings_together_is_bounded() -> None:
    templates = Templates()
    template = templates.compile(
        "{% for a in t %}{% for b in t %}{% if false %}.{% endif %}{% endfor %}{% endfor %}"
    )
    with spending() as spent:
        for _ in range(300):
            template.render({"t": "x" * 99})
        with pytest.raises(TemplateProblem) as problem:
            [template.render({"t": "x" * 99}) for _ in range(100)]
    assert problem.value.code == "WB305"
    assert spent.cpu_s < 5


@pytest.mark.parametrize("word", ["dawn", "dawn; dusk", "; "])
def test_a_value_with_a_semicolon_is_quoted_whole(word: str) -> None:
    """What is wrong and what to do come apart by structure and not by a sign in the
    text."""
    with pytest.raises(TemplateProblem) as problem:
        Templates().compile("{{ hour + 1 }}").render({"hour": word})
    quoted = shown(word)
    assert problem.value.message == f"the template fails: {quoted} is not a number"
    assert problem.value.hints == ("use ~ to join texts, | int to make a number of a text",)


def test_a_failure_without_advice_of_its_own_points_at_the_values() -> None:
    for text in ("{% for w in n %}{{ w }}{% endfor %}", "{{ n / 0 }}"):
        with pytest.raises(TemplateProblem) as problem:
            Templates().compile(text).render({"n": 4})
        assert problem.value.hints == ("check the values of the variables in this cell",)
    with pytest.raises(TemplateProblem) as problem:
        Templates().compile("{{ [n] }}").render({"n": 4})
    assert problem.value.message == "the template fails: a list or mapping cannot be printed"
    assert problem.value.hints == ("use | join",)
