"""Completion in bash, whose readline breaks words at ``=`` and ``:``, as in
``--select move=forward`` and ``harbour[move=forward]``.

What it may not do: know what completes to what (``completing`` does).

How it works: the script hands over the line up to the cursor as it is. It is split here
as the shell would, and of each completion only what stands behind the last break goes
back, for that is all that readline replaces. In an open quote nothing breaks.
"""

from __future__ import annotations

import os
import re
from typing import ClassVar

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    split_arg_string,
)

_SCRIPT = """\
%(complete_func)s() {
    local type value
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(env WANBATCH_LINE="${COMP_LINE:0:COMP_POINT}" \\
        WANBATCH_BREAKS="$COMP_WORDBREAKS" %(complete_var)s=bash_complete "$1")
    if [[ ${#COMPREPLY[@]} -eq 1 && $COMPREPLY == *= ]]; then
        compopt -o nospace
    fi
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""
_SPECIAL = re.compile(r"([\s\\'\"`$&|;()<>*?!#~])")
_SPACE = re.compile(r"\s")


class Bash(BashComplete):
    """click's completion of bash, with the line read as bash reads it."""

    name: ClassVar[str] = "bash"
    source_template: ClassVar[str] = _SCRIPT

    def get_completion_args(self) -> tuple[list[str], str]:
        words = split_arg_string(self._line())
        if not words or (_ends_between(self._line())):
            return words[1:], ""
        return words[1:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        line = self._line()
        if item.type != "plain" or _open_quote(line):
            return f"{item.type},{item.value}"
        _, incomplete = self.get_completion_args()
        breaks = [c for c in "=:" if c in os.environ.get("WANBATCH_BREAKS", "=:")]
        begin = max((incomplete.rfind(c) + 1 for c in breaks), default=0)
        behind = item.value.removeprefix(incomplete[:begin])
        return "plain," + _SPECIAL.sub(r"\\\1", behind)

    @staticmethod
    def _line() -> str:
        return os.environ.get("WANBATCH_LINE", "")


def _ends_between(line: str) -> bool:
    """Whether the cursor stands behind a blank that ends a word."""
    return bool(_SPACE.match(line[-1:])) and not _open_quote(line) and line[-2:-1] != "\\"


def _open_quote(line: str) -> bool:
    """Whether the cursor stands inside of a quoted text."""
    quote, escaped = "", False
    for sign in line:
        if escaped:
            escaped = False
        elif sign == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
    return bool(quote)


def register() -> None:
    """In the place of click's own."""
    add_completion_class(Bash)
