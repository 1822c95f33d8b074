"""WB4xx: what can be wrong with a sweep: ids, axes, rows, seeds, references, names.

What it may not do: check anything; ``axes``, ``rows``, ``references`` and ``load`` do.
"""

from __future__ import annotations

from wanbatch.words.codes import declare

DUPLICATE_ID = declare(
    "WB401",
    "two jobs with one id",
    "Names, reports and references go by the id, so it must be unique in the manifest.",
)
TOO_MANY_JOBS = declare(
    "WB402",
    "more jobs than allowed",
    """A sweep multiplies: rows times matrix times seeds times repeat. The ceiling (10,000 jobs
    of all manifests together, --max-jobs changes it) is checked before anything is built, so
    that a slip does not become a bill.""",
)
NAME_COLLISION = declare(
    "WB403",
    "two sources of variables have one name",
    """vars, axes, columns and the built-in seed, take, row and job are seen by the same
    templates. Where two have the same name, nobody could tell which is meant: rename one. A
    job's own vars may replace those of defaults and of the manifest.""",
)
RESERVED_NAME = declare(
    "WB404",
    "a name that is taken",
    "seed, take, row and job are variables that every template has, and Jinja has words of"
    " its own such as if, in and not. Choose another name.",
)
UNKNOWN_AXIS = declare(
    "WB405",
    "exclude names something that is no axis",
    "exclude removes combinations of the axes, so it can only name axes of this matrix.",
)
IDLE_EXCLUDE = declare(
    "WB406",
    "an exclude that removes nothing",
    "No combination has all the values of this item, so that it does nothing. Usually a value"
    " is misspelt.",
)
NO_COMBINATIONS = declare(
    "WB407",
    "a matrix without combinations",
    "exclude removed every combination and include added none, so that the job would make nothing.",
)
SAME_VALUE = declare(
    "WB408",
    "one value twice in an axis",
    """Both would make jobs of the same name. Values are compared as text, so 35 and "35" are
    the same. To make several videos of the same request, use repeat.""",
)
SAME_NAME = declare(
    "WB409",
    "two jobs with one name",
    "A job's name is its id and its axes; two cells have the same, for instance because two"
    " includes add the same combination.",
)
ROWS_FILE = declare(
    "WB410",
    "a data file that cannot be used",
    """rows names a .csv, .tsv, .xlsx, .jsonl, .json or .yaml file, relative to the manifest. The
    message says what is wrong with it. Workbooks need the extra: pip install
    '.[xlsx]' in a checkout.""",
)
ROWS_CONTENT = declare(
    "WB411",
    "a data file with a mistake",
    """A CSV file has one line of column names and as many values in each line; the others hold
    mappings of columns to texts, numbers, true, false or null.""",
)
ROWS_KEY = declare(
    "WB412",
    "a key column that some row lacks",
    "key names the column whose value names the row, so every row needs one.",
)
ROWS_SAME = declare(
    "WB413",
    "two rows with one name",
    """Rows are named by the key column, or by their content where there is none; two have the
    same. Make the key unique, or remove one of two equal rows; for several takes use repeat.""",
)
ROWS_EMPTY = declare(
    "WB414", "no rows", "The data file has no rows, so that the job would make nothing."
)
SEED_RANGE = declare(
    "WB415",
    "seeds out of range",
    "Seeds are 0 to 2147483647; start + (count - 1) × step must stay inside.",
)
SEED_TWICE = declare(
    "WB416",
    "a seed twice",
    "Both would make jobs of the same name. For several takes of the same request use repeat.",
)
REWRITTEN_SWEEP = declare(
    "WB417",
    "a seed sweep whose prompt is rewritten",
    """With prompt_extend: true, which is the default, the provider rewrites the prompt,
    differently each time, so that the videos differ by more than their seed. Set prompt_extend:
    false for comparisons.""",
)
UNUSED_AXIS = declare(
    "WB418",
    "an axis or a column without effect",
    """No template and no field of the job uses it, no other job is matched by it, so that the
    jobs it makes differ in their names alone. Usually its placeholder is misspelt, or written
    as another tool would. Use it as {{ name }}, or remove it; for several videos of one request
    use repeat.""",
)
BLANK_EDGE = declare(
    "WB419",
    "white space at the edge of a cell",
    """A value of a data file begins or ends with white space. It is kept as it stands: inside a
    prompt, a path or a name it counts. Usually it comes from a blank after a comma, or from
    copying. Remove it in the data file.""",
)
UNKNOWN_JOB = declare(
    "WB420",
    "a reference to a job that does not exist",
    "{job: ID} names another job of the same manifest by its id. Jobs of other manifests"
    " cannot be referred to.",
)
NO_MATCH = declare(
    "WB421",
    "a reference that matches no cell",
    """A reference takes the cell of the other job that has the values of where, and the same
    value on every axis that both jobs have. Here none has.""",
)
SEVERAL_MATCHES = declare(
    "WB422",
    "a reference that matches several cells",
    "The other job has an axis that neither where nor this job fixes. Name its value in"
    " where, or give this job the same axis.",
)
CIRCLE = declare(
    "WB423",
    "jobs that wait for each other",
    "A job waits for the jobs it takes media from. In a circle none could begin.",
)
CLIP_TOO_LONG = declare(
    "WB424",
    "the clip would be too long",
    "A first_clip may be at most 10 seconds long, and the other job makes a longer video. Set"
    " its seconds to 10 or less.",
)
UNKNOWN_WHERE = declare(
    "WB425",
    "where names something that is no axis",
    "where picks a cell of the other job by its axes: row, those of its matrix, seed and take.",
)
NOTHING_NEW = declare(
    "WB426",
    "a continuation that adds nothing",
    "seconds counts the whole output, the given clip included. If it is no longer than the"
    " clip, nothing new is made, and all of it is billed.",
)
HEADING = declare(
    "WB427",
    "a column that templates cannot name",
    """Columns are variables, and are named like them: letters, digits and _, not beginning with
    a digit. {{ shot-id }} would be shot minus id. Rename the column in the data file. As the
    key of the rows such a column can be used.""",
)
DELIMITER = declare(
    "WB428",
    "the separator of a CSV file",
    """CSV files are read with commas, semicolons or tabs between values: the character that
    stands most often in the first line is taken, or the one that a first line sep=; names. A
    note says which, where it is not the comma; another separator is refused. Values that have
    the separator in them stand in double quotes.""",
)
ENCODING = declare(
    "WB429",
    "a CSV file in an encoding that nobody has named",
    """CSV files are read as UTF-8, or as UTF-16 with its mark. Other bytes can be read in several
    ways, and the wrong one would be bought as it is misread: so the manifest says which, as in
    rows: {from: shots.csv, encoding: cp1252}. utf-8, utf-16, utf-16-le, utf-16-be, cp1250 to
    cp1258, cp437, cp850, cp852, cp866, cp874, cp932, cp949, cp950, big5, euc-jp, euc-kr,
    gb18030, iso-8859-1, -2, -5, -7, -9 and -15, koi8-r, koi8-u, mac-roman and shift-jis are
    known.""",
)
UNKNOWN_PARAMETER = declare(
    "WB440",
    "identity names a parameter that the URL does not have",
    """identity lists the parameters of a URL that say which file it means; all others count for
    nothing. A name that the URL does not have would make different files look the same. Names
    are compared with their case.""",
)
SAME_MANIFEST = declare(
    "WB430",
    "two manifests with one name",
    "The name is the report folder and the manifest's place in the ledger. Give each manifest"
    " a name of its own.",
)
SAME_FILE = declare(
    "WB431",
    "a file is given twice",
    "The same manifest stands twice on the command line; it is used once.",
)
UNUSED_VARIABLE = declare(
    "WB433",
    "a --var that nothing uses",
    "The name stands in none of the manifests and prompt files, so that giving it has no"
    " effect. Usually it is misspelt on the command line.",
)
BAD_VARIABLE = declare(
    "WB432",
    "a --var that cannot be a variable",
    "--var NAME=VALUE takes a name of letters, digits and _, other than seed, take, row and job.",
)
SHEET = declare(
    "WB441",
    "which sheet of a workbook is meant",
    """A workbook's first visible sheet is read, with a warning where there are others: another
    order of the sheets would be another purchase. rows: {from: shots.xlsx, sheet: Tabelle1}
    names one, also a hidden one.""",
)
SHEET_CELL = declare(
    "WB442",
    "a cell of a workbook without a value",
    """The cell holds an error such as #REF!, a formula whose result was never stored, or is
    merged with cells of other columns, so that nobody can tell what would be bought. Correct it
    in the spreadsheet and save; what only a program has written must be opened and saved once
    in a spreadsheet program, which computes the formulas.""",
)
SHEET_HIDES = declare(
    "WB443",
    "a sheet that shows something else than it holds",
    """Hidden and filtered rows are read like others, and each would be bought. Cells that are
    merged downwards hold one value, which counts for each of their rows.""",
)
