"""Two hundred videos with aiohttp, as such a script is mostly written: a semaphore, a
pause between submits, a fixed pause between polls, another try after a 429.
"""

import asyncio
import base64
import os
from pathlib import Path

import aiohttp

JOBS, IN_FLIGHT = int(os.environ["JOBS"]), int(os.environ["IN_FLIGHT"])
POLL_S, RATE = float(os.environ["POLL_S"]), float(os.environ["RATE"])
PICTURE = "data:image/png;base64," + base64.b64encode(Path("picture.png").read_bytes()).decode()
OUT = Path("videos")


class Pace:
    """Submits at least ``1 / RATE`` apart."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()

    async def wait(self) -> None:
        async with self.lock:
            await asyncio.sleep(1.0 / RATE)


async def make(
    session: aiohttp.ClientSession, places: asyncio.Semaphore, pace: Pace, number: int
) -> None:
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
        while True:
            await pace.wait()
            async with session.post("/v1/videos", json=body) as answer:
                if answer.status != 429:
                    answer.raise_for_status()
                    task = await answer.json()
                    break
            await asyncio.sleep(1.0)
        while task["status"] not in ("completed", "failed"):
            await asyncio.sleep(POLL_S)
            async with session.get(f"/v1/videos/{task['id']}") as answer:
                answer.raise_for_status()
                task = await answer.json()
        if task["status"] == "completed":
            async with session.get(f"/v1/videos/{task['id']}/content") as answer:
                answer.raise_for_status()
                path.write_bytes(await answer.read())


async def main() -> None:
    places, pace = asyncio.Semaphore(IN_FLIGHT), Pace()
    headers = {"Authorization": f"Bearer {os.environ['API_KEY']}"}
    async with aiohttp.ClientSession(os.environ["BASE_URL"], headers=headers) as session:
        found = await asyncio.gather(
            *(make(session, places, pace, number) for number in range(JOBS)),
            return_exceptions=True,
        )
    print(sum(isinstance(one, BaseException) for one in found), "failed")


OUT.mkdir(exist_ok=True)
asyncio.run(main())
