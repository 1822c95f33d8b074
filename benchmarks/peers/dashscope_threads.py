"""Two hundred videos with the ``dashscope`` package: ``async_call`` and ``wait`` in a
thread for each place. A throttled call is tried again with a growing pause, as Model
Studio's page on rate limits advises; the package does not do it by itself.
"""

import base64
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

import dashscope
import requests
from dashscope import VideoSynthesis

JOBS, IN_FLIGHT = int(os.environ["JOBS"]), int(os.environ["IN_FLIGHT"])
PICTURE = "data:image/png;base64," + base64.b64encode(Path("picture.png").read_bytes()).decode()
OUT = Path("videos")
dashscope.base_http_api_url = os.environ["BASE_URL"] + "/api/v1"
dashscope.api_key = os.environ["API_KEY"]


def make(number: int) -> None:
    path = OUT / f"{number:04}.mp4"
    if path.exists():
        return
    pause_s = 0.5
    while True:
        task = VideoSynthesis.async_call(
            model="wan2.7-i2v",
            prompt="A harbour",
            media=[{"type": "first_frame", "url": PICTURE}],
            resolution="720P",
            duration=2,
            seed=number,
        )
        if task.status_code != HTTPStatus.TOO_MANY_REQUESTS:
            break
        time.sleep(pause_s * random.uniform(0.5, 1.0))
        pause_s = min(30.0, 2 * pause_s)
    done = VideoSynthesis.wait(task)
    if done.output.task_status == "SUCCEEDED":
        path.write_bytes(requests.get(done.output.video_url, timeout=60).content)


OUT.mkdir(exist_ok=True)
with ThreadPoolExecutor(IN_FLIGHT) as pool:
    list(pool.map(make, range(JOBS)))
