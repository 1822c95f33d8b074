"""Jinja, held on a short leash.

What it may not do: reach the environment, files, the clock or chance; call anything;
loop or grow without a bound; treat a missing name as nothing.

How it works: a template is parsed and its tree checked against an allow-list *before*
it is compiled (the sandbox stops code, not cost: constants are folded while compiling).
Loops, ``~`` and filters go through a meter that counts steps, for each rendering and
for all of them together. Rendering adds up pieces until the bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from wanbatch.manifest.template import codes
from wanbatch.manifest.template.filters import FILTERS, LONGEST_TEXT, TESTS, Excess
from wanbatch.manifest.template.problem import (
    TemplateProblem,
    Variables,
    block_width,
    find_token,
    offset_of_line,
    too_much,
    undefined_problem,
)
from wanbatch.manifest.yaml import codes as yaml_codes
from wanbatch.manifest.yaml.escapes import has_half
from wanbatch.words.quoting import closest, escape_unsafe, listed, shown
from wanbatch.words.scalars import scalar_text

MOST_NODES = 2_000
"""Parts of one template; those of the examples have eight at most."""
DEEPEST = 40
"""Levels of one template, well below the depth at which Python's own recursion ends."""
MOST_STEPS = 10_000
"""Of loops, and of 64 characters that a filter made, in one rendering."""
MOST_STEPS_TOGETHER = 3_000_000
"""Of all renderings of a command: two seconds (measured), however the work is
spread."""
LARGEST_NUMBER = 10**15
"""Below 2⁵³, so that every whole number stays exact as a float."""

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.Compare,
    nodes.Operand,
    nodes.CondExpr,
    nodes.If,
    nodes.For,
    nodes.Filter,
    nodes.Test,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.Concat,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Neg,
    nodes.Pos,
    nodes.List,
    nodes.Tuple,
    nodes.Keyword,
)
_NAMES = {
    nodes.Call: "calls",
    nodes.Assign: "set",
    nodes.AssignBlock: "set",
    nodes.Macro: "macros",
    nodes.CallBlock: "call blocks",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "import",
    nodes.Extends: "extends",
    nodes.Block: "blocks",
    nodes.Pow: "powers",
    nodes.Dict: "mappings",
    nodes.FilterBlock: "filter blocks",
    nodes.With: "with",
}
_LOOP_ATTRIBUTES = frozenset({"index", "index0", "first", "last"})
_ELSEWHERE = frozenset(
    {"matrix", "axis", "axes", "row", "rows", "record", "item", "column", "columns", "data", "csv"}
    | {"vars", "var", "env", "inputs", "params", "parameters", "values", "wildcards", "strategy"}
)
"""What other tools write before the name of a variable."""
_HALF = re.compile(
    r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\U0000[dD][89a-fA-F][0-9a-fA-F]{2}|[\ud800-\udfff]"
)
_THREE = re.compile(r"\{\{\{\s*([^\W\d]\w*)\s*\}\}\}")
_SIGN = re.compile(r"\{\{-?\s*[$.@#&%]\s*(?:\w+\.)*([^\W\d]\w*)")
_TAG = re.compile(r"\{%-?\s*([^\W\d]\w*)\s*-?%\}")
_UNDEFINED = re.compile(r"'([^']+)' is undefined")
"""The name stands in Jinja's sentence and nowhere else in its error."""
_CHECK_VALUES = "check the values of the variables in this cell"
_LONGEST_REASON = 300
"""Of what Python says of a failure, in characters: three lines of a terminal."""


class BadValue(TypeError):
    """A value that does not fit what the template does with it; ``hint`` is what to
    do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class _Environment(ImmutableSandboxedEnvironment):
    """Numbers only in arithmetic, and no attribute of any object."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})
    intercepted_unops = frozenset({"+", "-"})

    def call_binop(
        self, context: jinja2.runtime.Context, operator: str, left: object, right: object
    ) -> object:
        _check_numbers(left, right)
        result = super().call_binop(context, operator, left, right)
        _check_numbers(result)
        return result

    def call_unop(self, context: jinja2.runtime.Context, operator: str, arg: object) -> object:
        _check_numbers(arg)
        return super().call_unop(context, operator, arg)


def _check_numbers(*values: object) -> None:
    for value in values:
        if isinstance(value, jinja2.Undefined):
            str(value)  # raises, with its name
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BadValue(
                f"{shown(value)} is not a number",
                "use ~ to join texts, | int to make a number of a text",
            )
        if abs(value) > LARGEST_NUMBER:
            raise Excess


@dataclass(slots=True)
class _Meter:
    """Steps taken in the present rendering, and in all of them."""

    steps: int = 0
    together: int = 0

    def begin(self) -> None:
        self.together += self.steps
        self.steps = 0

    def add(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MOST_STEPS or self.together + self.steps > MOST_STEPS_TOGETHER:
            raise Excess

    def count(self, items: object) -> Iterator[object]:
        """The items of a loop, each a step."""
        if isinstance(items, jinja2.Undefined):
            str(items)
        if not isinstance(items, (list, tuple, str)):
            raise BadValue(f"{shown(items)} is no list to loop over", _CHECK_VALUES)
        for item in items:
            self.add(1)
            yield item

    def join(self, parts: list[object]) -> str:
        """``a ~ b``, bounded."""
        texts = [
            str(part) if isinstance(part, jinja2.Undefined) else str(_finalize(part))
            for part in parts
        ]
        length = sum(map(len, texts))
        self.add(1 + length // 64)
        if length > LONGEST_TEXT:
            raise Excess
        return "".join(texts)

    def charge(self, act: Callable[..., object]) -> Callable[..., object]:
        """A filter whose result is charged by its length."""

        @wraps(act)
        def charged(*args: object, **kwargs: object) -> object:
            result = act(*args, **kwargs)
            self.add(1 + (len(result) // 64 if isinstance(result, (str, list)) else 0))
            return result

        return charged


class _Bound(NodeTransformer):
    """Sends loops and ``~`` through the meter."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja's name
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_counted", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - Jinja's name
        self.generic_visit(node)
        return nodes.Filter(
            nodes.List(node.nodes, lineno=node.lineno),
            "_joined",
            [],
            [],
            None,
            None,
            lineno=node.lineno,
        )


@dataclass(frozen=True, slots=True)
class JinjaTemplate:
    """A compiled template. ``names`` are the variables that it reads."""

    text: str
    names: frozenset[str]
    compiled: jinja2.Template
    meter: _Meter

    def render(self, variables: Variables) -> str:
        """The text for these variables. Raises ``TemplateProblem``."""
        self.meter.begin()
        pieces, length = [], 0
        try:
            for piece in self.compiled.root_render_func(self.compiled.new_context(dict(variables))):
                pieces.append(piece)
                length += len(piece)
                if length > LONGEST_TEXT:
                    raise Excess
        except jinja2.UndefinedError as error:
            raise self._undefined(str(error), variables) from None
        except Excess:
            raise too_much("the template does too much", "work and output are bounded") from None
        except (
            TypeError,
            ValueError,
            ArithmeticError,
            LookupError,
            AttributeError,
            RecursionError,
            jinja2.TemplateError,
        ) as error:
            message = escape_unsafe(str(error)[:_LONGEST_REASON])
            hint = error.hint if isinstance(error, BadValue) else _CHECK_VALUES
            raise TemplateProblem(
                codes.FAILS, f"the template fails: {message}", hints=(hint,)
            ) from None
        return "".join(pieces)

    def _undefined(self, message: str, variables: Variables) -> TemplateProblem:
        found = _UNDEFINED.search(message)
        name = found.group(1) if found else ""
        return undefined_problem(self.text, name, variables)


class Sandbox:
    """Compiles templates. One for all manifests of a command, so that the bound on all
    renderings together counts."""

    def __init__(self) -> None:
        self._meter = meter = _Meter()
        self._environment = _Environment(
            undefined=jinja2.StrictUndefined,
            finalize=_finalize,
            keep_trailing_newline=True,
            cache_size=0,
        )
        self._environment.globals = {}
        self._environment.filters = {name: meter.charge(act) for name, act in FILTERS.items()} | {
            "_counted": meter.count,
            "_joined": meter.join,
        }
        self._environment.tests = dict(TESTS)

    def compile(self, text: str) -> JinjaTemplate:
        """The template of ``text``. Raises ``TemplateProblem``."""
        self._meter.begin()
        try:
            tree = self._environment.parse(text)
            names = _check(tree, text)
            _Bound().visit(tree)
            compiled = jinja2.Template.from_code(
                self._environment, self._environment.compile(tree), {}
            )
        except jinja2.TemplateSyntaxError as error:
            offset = offset_of_line(text, error.lineno)
            message, hints = (
                escape_unsafe(error.message or ""),
                _syntax_hint(error.message or "", text),
            )
            raise TemplateProblem(
                codes.SYNTAX,
                f"the template cannot be read: {message}",
                offset,
                block_width(text, offset),
                hints=hints,
            ) from None
        except (RecursionError, ValueError, SyntaxError, MemoryError, OverflowError):
            raise too_much(
                "the template is too complex", "brackets too deep, or numbers too large"
            ) from None
        except Excess:
            raise too_much("the template does too much", "work and output are bounded") from None
        return JinjaTemplate(text, names, compiled, self._meter)


def _finalize(value: object) -> object:
    if value is None or isinstance(value, (bool, float)):
        return scalar_text(value)
    if isinstance(value, (str, int, jinja2.Undefined)):
        return value
    raise BadValue("a list or mapping cannot be printed", "use | join")


def _check(tree: nodes.Template, text: str) -> frozenset[str]:
    """Refuse whatever is not allowed; the names that the template reads."""
    reads: set[str] = set()
    targets: set[str] = {"loop"}
    pending: list[tuple[nodes.Node, int]] = [(tree, 0)]
    count = 0
    while pending:
        node, depth = pending.pop()
        count += 1
        if count > MOST_NODES or depth > DEEPEST:
            raise too_much(
                "the template is too complex", f"at most {MOST_NODES:,} parts, {DEEPEST} levels"
            )
        if not isinstance(node, _ALLOWED):
            raise _forbidden(node, text)
        if isinstance(node, nodes.Name):
            if node.name == "self":
                raise undefined_problem(text, "self", ())
            (reads if node.ctx == "load" else targets).add(node.name)
        elif isinstance(node, nodes.Const) and isinstance(node.value, str) and has_half(node.value):
            raise _half(text)
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise _unknown("filter", node.name, FILTERS, text)
        elif isinstance(node, nodes.Test) and node.name not in TESTS:
            raise _unknown("test", node.name, TESTS, text)
        elif isinstance(node, nodes.For) and node.recursive:
            raise TemplateProblem(
                codes.FORBIDDEN,
                "recursive loops are not allowed in templates",
                find_token(text, "recursive"),
                len("recursive"),
                hints=("remove recursive",),
            )
        elif isinstance(node, nodes.Getattr) and not _is_known_attribute(node):
            raise TemplateProblem(
                codes.FORBIDDEN,
                f"attributes such as .{node.attr} are not allowed in templates",
                find_token(text, node.attr),
                len(node.attr),
                hints=_attribute_hints(node),
            )
        pending.extend((child, depth + 1) for child in node.iter_child_nodes())
    return frozenset(reads - targets)


def _half(text: str) -> TemplateProblem:
    """A text constant in a template that holds half a character, as Python and JSON
    write it."""
    found = _HALF.search(text)
    return TemplateProblem(
        yaml_codes.HALF_CHARACTER,
        "half of a character is no text",
        found.start() if found else None,
        len(found.group()) if found else 1,
        "templates do not put two halves together",
        ("write the whole character as it is",),
    )


def _attribute_hints(node: nodes.Getattr) -> tuple[str, ...]:
    known = "the ones that exist are job.id, loop.index, loop.first and loop.last"
    if isinstance(node.node, nodes.Name) and node.node.name in _ELSEWHERE:
        return (f"write {{{{ {node.attr} }}}}: axes, columns and vars are named alone", known)
    return (known,)


def _is_known_attribute(node: nodes.Getattr) -> bool:
    if not isinstance(node.node, nodes.Name):
        return False
    return (node.node.name == "job" and node.attr == "id") or (
        node.node.name == "loop" and node.attr in _LOOP_ATTRIBUTES
    )


def _forbidden(node: nodes.Node, text: str) -> TemplateProblem:
    what = _NAMES.get(type(node), type(node).__name__.lower())
    offset = None
    if isinstance(node, nodes.Call) and isinstance(node.node, (nodes.Name, nodes.Getattr)):
        name = node.node.name if isinstance(node.node, nodes.Name) else node.node.attr
        offset = find_token(text, name)
        return TemplateProblem(
            codes.FORBIDDEN,
            f"{what} are not allowed in templates",
            offset,
            len(name),
            "",
            (f"use a filter: {{{{ … | {_near(name)} }}}}",),
        )
    if offset is None:
        offset = offset_of_line(text, node.lineno)
    verb = "are" if what.endswith("s") else "is"
    return TemplateProblem(
        codes.FORBIDDEN,
        f"{what} {verb} not allowed in templates",
        offset,
        block_width(text, offset),
        hints=(_instead(what),),
    )


def _instead(what: str) -> str:
    if what in ("include", "import", "extends"):
        return "use prompt: {file: PATH} for a template in a file"
    if what in ("set", "macros", "with"):
        return "put constants into vars"
    return "templates print variables, choose with if, loop over lists and use filters"


def _near(name: str) -> str:
    return closest(name, FILTERS) or "upper"


def _unknown(kind: str, name: str, known: Mapping[str, object], text: str) -> TemplateProblem:
    near = closest(name, known)
    hint = f"did you mean {near}?" if near else f"the {kind}s are {listed(known, 'and', 30)}"
    return TemplateProblem(
        codes.UNKNOWN_FILTER,
        f"there is no {kind} {shown(name)}",
        find_token(text, name),
        len(name),
        "",
        (hint,),
    )


def _syntax_hint(message: str, text: str) -> tuple[str, ...]:
    if found := _THREE.search(text):
        return (f"write {{{{ {found.group(1)} }}}}: two braces, not three",)
    if found := _SIGN.search(text):
        return (f"write {{{{ {found.group(1)} }}}}: a name alone prints a variable",)
    if "end of" in message or "unexpected '}'" in message or text.count("{{") > text.count("}}"):
        return ("close {{ with }}, {% with %}, and every if and for",)
    if "Encountered unknown tag" in message:
        alone = _TAG.search(text)
        prints = (f"{{{{ {alone.group(1)} }}}} prints a variable",) if alone else ()
        return ("the tags are if, elif, else, endif, for and endfor", *prints)
    return ("see https://jinja.palletsprojects.com/templates for how templates are written",)
