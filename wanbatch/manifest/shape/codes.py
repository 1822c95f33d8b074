"""WB2xx: what can be wrong with the shape of a manifest: keys, types, values,
combinations.

What it may not do: check anything; the schemas and ``shape`` do.
"""

from __future__ import annotations

from wanbatch.words.codes import declare

UNKNOWN_KEY = declare(
    "WB201",
    "an unknown key",
    """The key is none of the manifest format, so that it would have no effect. Usually a slip
    of the pen or another tool's name for it: the length is seconds, the resolution is size.
    Keys that begin with x- are free at the top level, for YAML anchors.""",
)
MISSING_KEY = declare(
    "WB202",
    "a required key is missing",
    "A manifest needs wanbatch and jobs, a job needs id, a reference needs job, and {count}"
    " needs count.",
)
WRONG_TYPE = declare(
    "WB203",
    "a value of the wrong kind",
    """A list stands where a text is expected, a text where a number is, and so on. Mind that
    YAML reads 5 as a number and "5" as a text, true as a boolean and yes as a text.""",
)
CLIP_WITH_AUDIO = declare(
    "WB204",
    "first_clip cannot be combined with driving_audio",
    """The API takes six combinations of media: first_frame alone, with driving_audio, with
    last_frame, with both; first_clip alone or with last_frame. Sound for a continuation cannot
    be given.""",
)
CLIP_WITH_FRAME = declare(
    "WB205",
    "first_clip cannot be combined with first_frame",
    """A video begins either with a picture or with a clip that it continues. Where first_frame
    comes from defaults, first_frame: null in the job removes it.""",
)
INCOMPLETE_MEDIA = declare(
    "WB206",
    "media needs first_frame or first_clip",
    """wan2.7-i2v makes videos from pictures or clips: each job needs first_frame or first_clip.
    last_frame and driving_audio only come beside them.""",
)
NOT_A_CHOICE = declare(
    "WB207",
    "not one of the values that are allowed",
    "The field takes one of a few values; they are listed with the error.",
)
OUT_OF_RANGE = declare(
    "WB208",
    "a number out of range",
    "The API, or this program, takes numbers of a certain range for this field: seconds 2 to"
    " 15, seed 0 to 2147483647.",
)
BAD_TEXT = declare(
    "WB209",
    "a text of the wrong form",
    """The field takes texts of a certain form: an id is lower-case letters, digits, - and _; a
    number in quotes must still be a number. The error says which form.""",
)
TOO_LONG = declare(
    "WB210",
    "a text that the API would cut",
    """A prompt may have 5,000 characters, a negative prompt 500. The API cuts what is longer
    without a word: the video would not show what was asked for.""",
)
TOO_FEW = declare(
    "WB211",
    "something that may not be empty",
    "An empty list, mapping or text has no meaning here. Fill it, or remove the key.",
)
SEED_AND_SEEDS = declare(
    "WB212",
    "seed and seeds exclude each other",
    "seed gives a job one seed, seeds makes one video per seed. A job has one of the two; a"
    " job's own replaces the one in defaults.",
)
BAD_ADDRESS = declare(
    "WB213",
    "an address that cannot be sent",
    """Media are paths relative to the manifest, or public https:// URLs. http://, data:, file:
    and oss: are refused, and so is a user or a password before the host: download the file
    beside the manifest and name its path.""",
)
INCOMPLETE_REFERENCE = declare(
    "WB214",
    "a reference without frame",
    """A picture taken from another job's video says which still: {job: ID, frame: last} or
    {job: ID, frame: first}. Only first_clip takes the whole video and has no frame.""",
)
WRONG_VERSION = declare(
    "WB215",
    "another version of the manifest format",
    "wanbatch: 1 at the top says which rules the file follows. This program reads format 1 only.",
)
BAD_NAME = declare(
    "WB216",
    "a name that templates could not use",
    """Axes and variables are named like variables in a program: letters, digits and _, not
    beginning with a digit, so that {{ name }} works.""",
)
STEP_WITHOUT_START = declare(
    "WB217",
    "step without start",
    "{start, count, step} counts seeds up; {count} draws them, and drawn seeds have no step."
    " Add start, or remove step.",
)
CONTROL_IN_TEXT = declare(
    "WB218",
    "a control character in a text that is sent",
    """An escape in double quotes, a template or a data file put a control character into a
    prompt. Only tabs and line ends are sent.""",
)
OTHER = declare(
    "WB219",
    "a value that the schema does not allow",
    "wanbatch schema manifest prints the schema; the message says which rule is broken.",
)
