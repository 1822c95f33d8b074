"""Two hundred videos with the ``openai`` package: its own way to create and poll, under
a semaphore, gathered.

``create_and_poll`` sends a form, which loses ``media``; so the create goes through
the package's own ``post``, with its retries, and the poll through its ``videos.poll``:
the two halves that ``create_and_poll`` is made of.
"""

import asyncio
import base64
import os
from pathlib import Path

import openai

JOBS, IN_FLIGHT = int(os.environ["JOBS"]), int(os.environ["IN_FLIGHT"])
POLL_S = os.environ.get("POLL_S")
PICTURE = "data:image/png;base64," + base64.b64encode(Path("picture.png").read_bytes()).decode()
OUT = Path("videos")


async def make(client: openai.AsyncOpenAI, places: asyncio.Semaphore, number: int) -> None:
    path = OUT / f"{number:04}.mp4"
    if path.exists():
        return
    body = {
        "model": "wan2.7-i2v",
        "prompt": "A harbour",
        "seconds": "2",
        "size": "720P",
        "seed": number,
        "media": [{"type": "first_frame", "url": PICTURE}],
    }
    async with places:
        video = await client.post("/videos", cast_to=openai.types.Video, body=body)
        while video.status not in ("completed", "failed"):
            video = await client.videos.poll(
                video.id, poll_interval_ms=int(1000 * float(POLL_S)) if POLL_S else openai.omit
            )
        if video.status == "completed":
            content = await client.videos.download_content(video.id)
            path.write_bytes(content.read())


async def main() -> None:
    places = asyncio.Semaphore(IN_FLIGHT)
    async with openai.AsyncOpenAI(
        base_url=os.environ["BASE_URL"] + "/v1", api_key=os.environ["API_KEY"]
    ) as client:
        found = await asyncio.gather(
            *(make(client, places, number) for number in range(JOBS)), return_exceptions=True
        )
    print(sum(isinstance(one, BaseException) for one in found), "failed")


OUT.mkdir(exist_ok=True)
asyncio.run(main())
