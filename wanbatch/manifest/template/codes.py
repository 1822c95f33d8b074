"""WB3xx: what can be wrong with a template, or with what it renders to.

What it may not do: check anything; ``templates`` and ``render`` do.
"""

from __future__ import annotations

from wanbatch.words.codes import declare

SYNTAX = declare(
    "WB301",
    "a template that cannot be read",
    """Templates are Jinja: {{ name }} prints a variable, {% if … %} … {% endif %} chooses, {# …
    #} is a comment. Something is not closed or not spelt as Jinja wants it.""",
)
UNDEFINED = declare(
    "WB302",
    "a template uses a name that is not defined",
    """A template knows vars, the axes of matrix, the columns of rows, row, seed, take and
    job.id. Keys that include adds and columns that some rows lack exist only in those cells:
    use {{ name | default("…") }} where they may be missing.""",
)
FORBIDDEN = declare(
    "WB303",
    "something that templates may not do",
    """Templates come from a repository and run on the machine that holds the key, so they can
    print, choose, loop over lists and filter, and nothing else: no calls, imports, macros,
    assignments, or attributes.""",
)
UNKNOWN_FILTER = declare(
    "WB304",
    "an unknown filter or test",
    "A filter is a word after |, as in {{ hour | upper }}; a test is a word after is. The"
    " ones that exist are listed with the error.",
)
TOO_MUCH = declare(
    "WB305",
    "a template that does too much",
    """Work and output are bounded: 64,000 characters of template, 2,000 parts, 10,000 steps of
    loops, 20,000 characters of output. A prompt may only have 5,000 characters anyway.""",
)
FAILS = declare(
    "WB306",
    "a template that fails for these values",
    "The template is well formed, but with the values of this cell it cannot be computed: a"
    " text is added to a number, something is divided by zero.",
)
LEFTOVER = declare(
    "WB307",
    "braces are left after rendering",
    """The text that would be sent still has {{ or {% in it: a value that was put in has a
    template of its own, which is not rendered again. vars, rows and axes are data.""",
)
PROMPT_FILE = declare(
    "WB308",
    "a prompt file that cannot be used",
    "prompt: {file: PATH} names a UTF-8 text file, relative to the manifest. The message says"
    " what is wrong with it.",
)
OUTSIDE = declare(
    "WB309",
    "a path that leaves the folder tree",
    """Files are only read from the repository of the manifest (outside of any, its folder) or
    from --media-root, so that another's manifest cannot send your files away. Symbolic links
    that lead out count as outside. Copy the file into the tree, or name a wider --media-root.""",
)
NOT_CONSTANT = declare(
    "WB310",
    "a template where the cell is not known yet",
    """matrix, rows, seeds, seed_key and repeat decide which cells a job has, so they can use
    only vars and job.id, not axes, columns, seed or take.""",
)
FOREIGN = declare(
    "WB311",
    "a placeholder of another tool",
    """The text names a variable of this job as another tool would: ${hour}, {hour}, %hour%,
    <hour>. Templates print variables as {{ hour }}; everything else is a text like any other,
    and would be sent, and bought, as it stands.""",
)
PATH_FORM = declare(
    "WB312",
    "a path that a manifest cannot use",
    """Paths are relative to the manifest and written with /, so that they lead to the same file
    on every machine. Absolute paths, ~, backslashes, file: addresses and variables of the
    environment are refused, and nothing is opened. For files that differ between machines use
    --media-root, or a template with --var.""",
)
BLANK_PROMPT = declare(
    "WB313",
    "a prompt of white space only",
    """Nothing of it would be sent: prompts go out without white space at their ends. Usually a
    cell of a data file is empty. Write the text, or remove the field.""",
)
