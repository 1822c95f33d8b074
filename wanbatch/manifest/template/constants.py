"""Values that decide which cells a job has, and so may be templates over constants
only.

What it may not do: see axes, columns, seed or take: they do not exist yet.

How it works: texts are rendered with vars and ``job.id``; a name that is not among them
is explained as such.
"""

from __future__ import annotations

from dataclasses import dataclass

from wanbatch.manifest.shape import codes as shape_codes
from wanbatch.manifest.sweep import codes
from wanbatch.manifest.sweep.entry import JobSpec
from wanbatch.manifest.template import codes as template_codes
from wanbatch.manifest.template.problem import TemplateProblem, Variables
from wanbatch.manifest.template.templates import Templates, is_template
from wanbatch.manifest.yaml.document import Value
from wanbatch.words.quoting import listed, shown
from wanbatch.words.scalars import Scalar, scalar_text


@dataclass(slots=True)
class ConstantReader:
    """Values that may be templates over constants."""

    entry: JobSpec
    templates: Templates
    constants: dict[str, Scalar]

    def text(self, value: Value, *path: str | int) -> str:
        """A scalar as text, rendered if it is a template."""
        if not isinstance(value, str):
            return scalar_text(value) if not isinstance(value, (dict, list)) else ""
        if not is_template(value):
            return value
        known: Variables = {**self.constants, "job": {"id": self.entry.id}}
        try:
            return self.templates.compile(value).render(known)
        except TemplateProblem as problem:
            if problem.code == template_codes.UNDEFINED:
                problem = TemplateProblem(
                    template_codes.NOT_CONSTANT,
                    problem.message,
                    problem.offset,
                    problem.width,
                    "only vars and job.id are known here",
                    (
                        (
                            "the variables here are"
                            f" {listed([*sorted(self.constants), 'job.id'], 'and')}"
                        ),
                    ),
                )
            self.entry.report_template(problem, value, *path)
            return ""

    def scalar(self, value: Value, *path: str | int) -> Scalar:
        if isinstance(value, str) and is_template(value):
            return self.text(value, *path)
        return None if isinstance(value, (dict, list)) else value

    def number(self, value: Value, least: int, most: int, *path: str | int) -> int | None:
        """A whole number from ``least`` to ``most``; otherwise ``None`` and a
        finding."""
        text = self.text(value, *path).strip()
        if not text:
            return None
        try:
            number = int(text) if len(text) < 20 else most + 1
        except ValueError:
            number = most + 1
        if least <= number <= most:
            return number
        code = codes.SEED_RANGE if path[:1] == ("seeds",) else shape_codes.OUT_OF_RANGE
        message = f"{shown(text)} is not a whole number from {least} to {most}"
        self.entry.report(code, message, *path, hints=("check what the template renders to",))
        return None
