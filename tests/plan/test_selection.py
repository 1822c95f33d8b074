"""``--select``: what a term means, where it is wrong, and what it cannot have meant."""

from __future__ import annotations

import pytest
from builders import job

from wanbatch.model.plan import JobState
from wanbatch.plan.selection import parse_selection, wildcards
from wanbatch.words.errors import WanbatchError
from wanbatch.words.names import name_job

HOURS, LENSES = ("dawn", "noon", "dusk"), ("24mm", "35mm", "50mm")
SEEDS = range(100, 105)


def cell(id_, *axes, tags=(), state=JobState.PLANNED):
    return job(name_job(id_, axes), id=id_, axes=axes, tags=tags), state


JOBS = [
    *(
        cell("opening", ("hour", hour), ("lens", lens), ("seed", seed), tags=("hero",))
        for hour in HOURS
        for lens in LENSES
        for seed in SEEDS
    ),
    cell("ratio", ("ratio", "16:9"), ("strength", 0.5)),
    cell("ratio", ("ratio", "4:3"), ("strength", 1.5)),
    cell("odd", ("text", "a,b")),
    cell("odd", ("text", "a[b")),
    cell("odd", ("text", "café")),
    cell("odd", ("text", None)),
    cell("odd", ("text", "x=y")),
    cell("closing", tags=("last", "quiet"), state=JobState.FAILED),
]


def select(*terms):
    wanted = parse_selection(terms)
    return [one.name for one, state in JOBS if wanted(one, state)]


def doubts(*terms):
    return parse_selection(terms).examine(JOBS)


def refuse(term):
    with pytest.raises(WanbatchError) as refusal:
        parse_selection([term])
    assert refusal.value.exit_code == 2
    text, _, caret = refusal.value.message.split("\n")
    assert text.startswith("--select: ")
    return text, caret.index("^") - 4, refusal.value.hints


@pytest.mark.parametrize(
    ("terms", "count"),
    [
        (["opening[hour=noon,lens=35mm*]"], 5),
        (["opening[hour=noon,lens=35mm,seed=100]"], 1),
        (["opening[hour=noon,lens=35mm,seed=100],closing"], 2),
        ([" opening[hour=noon,lens=35mm,seed=100] , closing "], 2),
        (["opening"], 45),
        (["*"], 53),
        (["**"], 53),
        (["c?osing"], 1),
        (["*lens=35mm*"], 15),
        (["*[hour=noon,lens=35mm*]"], 5),
        (["tag:hero"], 45),
        (["tag:h*,tag:quiet"], 46),
        (["hour=noon"], 15),
        (["hour = noon"], 15),
        (["hour=noon", "lens=35mm"], 5),
        (["hour!=noon"], 30),
        (["hour!=d*"], 15),
        (["seed=101..103"], 27),
        (["seed=100..100"], 9),
        (["seed!=101..103"], 18),
        (["seed=100..99999999999999999999999999"], 45),
        (["seed=-5..100"], 9),
        (["strength=0.4..1"], 1),
        (["ratio=16:9"], 1),
        (["ratio=16%3A9"], 1),
        (["ratio=16%3a9"], 1),
        (["ratio[ratio=16%3A9*]"], 1),
        (["text=a%2Cb"], 1),
        (["text=a%5Bb"], 1),
        (["text=cafe\u0301"], 1),
        (["text=null"], 1),
        (["text="], 1),
        (["text=x=y"], 1),
        (["text=x%3Dy"], 1),
        (["state:failed"], 1),
        (["state:planned", "ratio=*"], 2),
    ],
)
def test_what_a_term_selects(terms, count):
    assert len(select(*terms)) == count
    assert doubts(*terms) == ()


@pytest.mark.parametrize(
    ("term", "says", "at"),
    [
        ("opening[hour=noon,lens=35mm*", "opened and never closed", 7),
        ("opening[hour=noon*", "opened and never closed", 7),
        ("closing,opening[hour=noon", "opened and never closed", 15),
        ("opening[hour=noon,tag:hero", "opened and never closed", 7),
        ("text=a[b", "opened and never closed", 6),
        ("opening]", "never opened", 7),
        ("opening[hour=noon]]", "never opened", 18),
        ("opening[[hour=noon]]", "inside another", 8),
        ("opening[hour=[noon]]", "inside another", 13),
        ("", "a term is empty", 0),
        ("  ", "a term is empty", 0),
        (",", "an alternative is empty", 0),
        ("opening,", "an alternative is empty", 8),
        ("opening,,closing", "an alternative is empty", 8),
        ("opening, ,closing", "an alternative is empty", 8),
        ("'opening*'", "a quote is the shell's", 0),
        ('closing,"opening*"', "a quote is the shell's", 8),
        ("“opening”", "a quote is the shell's", 0),
        ("tags:hero", "no prefix tags:", 0),
        ("closing,stat:failed", "no prefix stat:", 8),
        ("Tag:hero", "no prefix Tag:", 0),
        ("hour:noon", "no prefix hour:", 0),
        ("tag:", "nothing stands after tag:", 0),
        ("state:", "nothing stands after state:", 0),
        ("state:fialed", "no state fialed", 6),
        ("state:Failed", "no state Failed", 6),
        ("state:fail*", "no state fail*", 6),
        ("=noon", "an axis is missing", 0),
        ("hour==noon", "one = is enough", 5),
        ("hour!==noon", "one = is enough", 6),
        ("seed=103..100", "the range goes down", 5),
        ("seed=100..", "needs both ends", 5),
        ("closing,seed=..103", "needs both ends", 13),
        ("*hour=noon,lens=35mm*", "cannot stand beside a comma", 0),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(term, says, at):
    text, caret, _ = refuse(term)
    assert says in text
    assert caret == at


@pytest.mark.parametrize(
    ("term", "hint"),
    [
        ("opening[hour=noon,lens=35mm*", "did you mean opening[hour=noon,lens=35mm*]?"),
        ("text=a[b", "in an axis's value write %5B for [, %5D for ] and %2C for a comma"),
        ("'opening*'", "did you mean opening*?"),
        ("tags:hero", "did you mean tag:hero?"),
        ("stat:failed", "did you mean state:failed?"),
        ("state:fialed", "did you mean state:failed?"),
        ("state:finishd", "did you mean state:finished?"),
        ("state:elswhere", "did you mean state:elsewhere?"),
        ("hour==noon", "did you mean hour=noon?"),
        ("seed=103..100", "did you mean seed=100..103?"),
    ],
)
def test_a_refusal_says_what_was_probably_meant(term, hint):
    assert refuse(term)[2][0] == hint


@pytest.mark.parametrize(
    ("term", "problem", "hint"),
    [
        ("len=35mm", "no job has an axis len", "did you mean lens=35mm?"),
        ("len!=35mm", "no job has an axis len", "did you mean lens!=35mm?"),
        ("Hour=noon", "no job has an axis Hour", "did you mean hour=noon?"),
        ("tag=hero", "no job has an axis tag", "did you mean tag:hero?"),
        ("state=failed", "no job has an axis state", "did you mean state:failed?"),
        ("zzz=1", "no job has an axis zzz", "axes: hour, lens, seed, ratio, strength and text"),
        ("seed>=100", "no job has an axis seed>", "did you mean seed=100?"),
    ],
)
def test_an_unknown_axis_is_fatal_whatever_else_there_is(term, problem, hint):
    first = doubts(f"closing,{term}")[0]
    assert first.fatal
    assert first.problem == problem
    assert first.hints[0] == hint


@pytest.mark.parametrize(
    ("term", "hint"),
    [
        ("lens!=35m", "did you mean lens!=35mm?"),
        ("hour!=noonn", "did you mean hour!=noon?"),
        ("seed!=7..9", "values of seed: 100, 101, 102, 103 and 104"),
        ("lens!=9*", "values of lens: 24mm, 35mm and 50mm"),
    ],
)
def test_a_negation_that_leaves_nothing_out_is_fatal(term, hint):
    """It would select, and buy, everything."""
    (doubt,) = doubts(term)
    assert doubt.fatal
    assert "would leave nothing out" in doubt.problem
    assert doubt.hints[0] == hint


@pytest.mark.parametrize(
    ("term", "problem", "hint"),
    [
        ("hour=nooon", "no job has hour nooon", "did you mean hour=noon?"),
        ("hour='noon'", "no job has hour 'noon'", "did you mean hour=noon?"),
        ("seed=100-103", "no job has seed 100-103", "a range is written seed=100..103"),
        ("seed=１００..１０３", "no job has seed １００..１０３", None),
        ("tag:heros", "no job is tag:heros", "did you mean tag:hero?"),
        ("openning", "no job is openning", "did you mean opening?"),
        (
            "openning[hour=noon*]",
            "no job is openning[hour=noon*]",
            "did you mean opening[hour=noon*]?",
        ),
        ("hero", "no job is hero", "did you mean tag:hero?"),
        ("noon", "no job is noon", "did you mean hour=noon?"),
        ("failed", "no job is failed", "did you mean state:failed?"),
        ("ratio[ratio=16:9*]", "no job is ratio[ratio=16:9*]", None),
        ("state:expired", "no job is state:expired", "states that there are now: "),
        ("hour!=*", "no job is hour!=*", "every job with the axis hour has that value"),
    ],
)
def test_an_alternative_without_a_job_is_named(term, problem, hint):
    (doubt,) = doubts(f"closing,{term}")
    assert (doubt.fatal, doubt.problem) == (False, problem)
    assert hint is None or doubt.hints[0].startswith(hint)
    alone = doubts(term)
    assert [d.fatal for d in alone] == [True, False]
    assert alone[0].problem == "the selection selects no job"


def test_every_alternative_without_a_job_is_named():
    assert [d.problem for d in doubts("closing,nobody,hour=nobody", "tag:nobody,*")] == [
        "no job is nobody",
        "no job has hour nobody",
        "no job is tag:nobody",
    ]


def test_terms_that_exclude_each_other_select_nothing():
    (doubt,) = doubts("hour=noon", "closing")
    assert doubt.fatal
    assert doubt.problem == "no job is in all of its terms"


def test_where_no_job_has_an_axis_or_a_tag_that_is_said():
    bare = [cell("closing")]
    assert parse_selection(["hour=noon"]).examine(bare)[0].hints == ("no job here has an axis",)
    assert parse_selection(["tag:x"]).examine(bare)[1].hints == ("no job here has a tag",)


def test_a_long_term_is_cut_around_the_place():
    term = "a" * 500 + "]" + "b" * 500
    with pytest.raises(WanbatchError) as refusal:
        parse_selection([term])
    _, shown, caret = refusal.value.message.split("\n")
    assert len(shown) < 160
    assert shown[caret.index("^")] == "]"


def test_what_a_terminal_would_obey_is_shown_as_escapes():
    _, at, _ = refuse("\x1b[31m")
    assert at == 4  # \x1b takes four columns


def test_many_stars_take_no_time():
    assert not wildcards("*a" * 60 + "*b")("a" * 4000)
    assert wildcards("*a*b*c")("xaxbxxbxc")
    assert wildcards("a*a")("aa")
    assert not wildcards("a*a")("a")
