"""Decoders that many threads want at the same moment are loaded once, and whole."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import threading
from wanbatch.media.images import decode_picture
from wanbatch.media.loading import load_decoders

failed, ready = [], threading.Barrier(6)

def want(name):
    ready.wait()
    try:
        load_decoders()
        __import__(name)
    except BaseException as error:
        failed.append(repr(error))

names = ["av.audio.frame", "av.video.frame", "av.container", "av.error", "av.packet", "av.stream"]
threads = [threading.Thread(target=want, args=[name]) for name in names]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(failed)
"""


@pytest.mark.parametrize("number", range(4))
def test_threads_that_want_decoders_at_once_get_them_whole(number):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n", done.stderr
