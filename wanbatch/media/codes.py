"""WB5xx: what can be wrong with media.

What it may not do: check anything; ``check`` does.
"""

from __future__ import annotations

from wanbatch.words.codes import declare

NOT_FOUND = declare(
    "WB501",
    "the media file does not exist",
    """Paths of media are relative to the manifest, and capital letters count. If the file is
    stored with Git LFS or made by a script, fetch or make it first.""",
)
NOT_A_FILE = declare(
    "WB502",
    "media is a regular file",
    "The path leads to a folder, a named pipe, a socket or a device. Name the image, sound or"
    " clip itself.",
)
UNREADABLE = declare(
    "WB503",
    "the media file cannot be read",
    "The operating system refused to open or read the file; the message says why. Check its"
    " permissions.",
)
EMPTY = declare(
    "WB504",
    "the media file is empty",
    "The file has no bytes: usually a download or an export that failed. Make it again.",
)
WRONG_FORMAT = declare(
    "WB505",
    "media in a format that the API does not take",
    """first_frame and last_frame are JPEG, PNG, BMP or WebP; driving_audio is WAV or MP3;
    first_clip is MP4 or MOV. The content counts, not the name: a GIF that is called .png is
    refused by the API as well. Convert the file; renaming it changes nothing.""",
)
DAMAGED = declare(
    "WB506",
    "the media file is damaged",
    "The file begins as it should but is truncated, or its structure is broken; the message"
    " says where. Copy, download or export it again.",
)
PIXELS = declare(
    "WB507",
    "too few or too many pixels",
    "Each side of an image has 240 to 8000 px, each side of a clip 240 to 4096 px. Scale it;"
    " the video's own size is set by size, not by this.",
)
ASPECT = declare(
    "WB508",
    "an aspect ratio that the API does not take",
    "The aspect ratio of images and clips lies between 1:8 and 8:1. The video gets the ratio"
    " of its first picture, so crop rather than stretch.",
)
ALPHA = declare(
    "WB509",
    "a PNG with transparency",
    """The API takes PNG only without an alpha channel. What would stand behind the transparent
    parts is for you to say: flatten the image onto a background, or save it as JPEG.""",
)
DURATION = declare(
    "WB510",
    "too short or too long",
    "driving_audio lasts 2 to 30 seconds, first_clip 2 to 10 seconds. Cut it, or choose"
    " another part.",
)
TOO_BIG = declare(
    "WB511",
    "the media file is too big",
    "An image may have 20 MB, driving_audio 15 MB, first_clip 100 MB. Save it with more"
    " compression, or scale it down.",
)
CLIP_FILLS_VIDEO = declare(
    "WB512",
    "a clip as long as the video",
    """seconds counts the given clip as well: a clip of 3 seconds and seconds: 5 make 2 new
    seconds, and all 5 are billed. Where the clip is as long as seconds or longer, nothing new
    is left to make. Raise seconds or shorten the clip.""",
)
SOUND_IS_CUT = declare(
    "WB513",
    "a sound longer than the video",
    "The API cuts driving_audio to seconds, so that the end will not be heard. Raise seconds,"
    " or cut the sound where it suits you.",
)
URL_EXPIRES = declare(
    "WB514",
    "a signed URL that will soon expire",
    """The API fetches a URL when it begins to work on the job, which can be long after the job
    was sent. Sign the URL anew with a longer life before you run. A new signature changes
    nothing about the job's identity.""",
)
URL_DOUBTFUL = declare(
    "WB520",
    "URLs that differ in what may be a signature",
    """Two jobs name one URL with different queries, in which something looks like a signature.
    Taken for one file, a job could get another's video; taken for two, the same would be bought
    twice. So the manifest says it: first_frame: {url: …, identity: [id]} lets the named
    parameters count and no other, identity: [] none.""",
)
ODD_FILE = declare(
    "WB515",
    "a media file that not every reader takes",
    """The file is whole where it matters, but something in it is not as its format asks: bytes
    behind the video, a wrong checksum, a missing end marker. Most programs read it; whether the
    API's does is not known. A failed job costs nothing, but time. Export the file anew to be
    safe.""",
)
