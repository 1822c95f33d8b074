"""Stock new-api's wire format: the gateway's routes and replies, with Wan's own fields
under ``metadata``.

What it may not do: I/O, or hide that this layer loses values.

How it works: stock new-api ignores a top-level ``media`` and overlays
``metadata.input`` and ``metadata.parameters`` on the request that it builds for
DashScope. ``seconds`` and ``size`` stand at the top too, because it bills by those. It
wants a prompt, and its encoder drops ``false`` and ``0``, so that DashScope's defaults
come in their place: prompt_extend true, a random seed. ``cautions`` says so where a
request relies on them.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.job import MediaType
from wanbatch.model.plan import Request
from wanbatch.providers.dialects.gateway import Gateway, media_list


class GatewayMetadata(Gateway):
    """``/v1/videos`` of stock new-api."""

    kind = "gateway-metadata"

    def fields(self, request: Request, urls: Mapping[MediaType, str]) -> dict[str, object]:
        given: dict[str, object] = {"media": media_list(request, urls)}
        if request.negative_prompt is not None:
            given["negative_prompt"] = request.negative_prompt
        parameters = {
            "resolution": request.size,
            "duration": request.seconds,
            "prompt_extend": request.prompt_extend,
            "watermark": request.watermark,
            "seed": request.seed,
        }
        return {
            "model": request.model,
            "prompt": request.prompt or "",
            "seconds": str(request.seconds),
            "size": request.size,
            "metadata": {"input": given, "parameters": parameters},
        }

    def cautions(self, request: Request) -> tuple[str, ...]:
        found = []
        if not request.prompt_extend:
            found.append(
                "prompt_extend: false is lost on its way through stock new-api: the prompt"
                " will be extended"
            )
        if request.seed == 0:
            found.append(
                "seed: 0 is lost on its way through stock new-api: the seed will be random;"
                " take any other"
            )
        return tuple(found)

    def objection(self, request: Request) -> str | None:
        return None if request.prompt else "stock new-api refuses a request without a prompt"
