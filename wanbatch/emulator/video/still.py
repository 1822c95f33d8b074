"""A picture held as the three planes that H.264 wants, and views of it.

What it may not do: decide what is seen (``camera`` does), encode, open files by name.

How it works: a picture is converted once, by libswscale, to limited-range BT.709 4:2:0
at the output's size (a larger one would need a wider filter, which costs a third more);
each view is then a resize of three grey planes with a fractional box, which costs half
of an RGB resize and moves smoothly by less than a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from PIL import Image, ImageOps

from wanbatch.emulator.video.camera import Box, Look
from wanbatch.media.turning import turn, turned_size

Planes = tuple[Image.Image, Image.Image, Image.Image]


@dataclass(frozen=True, slots=True)
class Still:
    """A picture that fills the output exactly, ready to be looked at from any
    distance."""

    planes: Planes
    width: int
    height: int

    def view(self, box: Box) -> Planes:
        """What a camera sees in ``box``, at the output's size."""
        return tuple(
            _crop_scale(p, box, self.width >> (i > 0), self.height >> (i > 0))
            for i, p in enumerate(self.planes)
        )  # type: ignore[return-value]


def still_from_image(image: Image.Image, width: int, height: int) -> Still:
    """``image`` scaled and cropped about its centre so that it fills ``width`` ×
    ``height``. It is turned already."""
    fitted = ImageOps.fit(image.convert("RGB"), (width, height), method=Image.Resampling.BICUBIC)
    return Still(planes_of(_frame_from(fitted), width, height), width, height)


def still_from_frame(frame: av.VideoFrame, width: int, height: int, orientation: int) -> Still:
    """A video's frame as a picture to go on from; once turned, it must have the
    output's aspect."""
    return Still(turned_planes(frame, width, height, orientation), width, height)


def turned_planes(frame: av.VideoFrame, width: int, height: int, orientation: int) -> Planes:
    """``planes_of`` a frame that is shown turned; ``width`` × ``height`` are those of
    the output."""
    planes = planes_of(frame, *turned_size(width, height, orientation))
    return tuple(turn(plane, orientation) for plane in planes)  # type: ignore[return-value]


def planes_of(frame: av.VideoFrame, width: int, height: int) -> Planes:
    """The frame's planes at ``width`` × ``height`` (both even), limited range, BT.709
    where it came as RGB."""
    yuv = frame.reformat(
        width,
        height,
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709 if frame.format.is_rgb else None,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.BICUBIC,
    )
    return tuple(
        Image.frombuffer("L", (p.width, p.height), bytes(p), "raw", "L", p.line_size, 1)
        for p in yuv.planes
    )  # type: ignore[return-value]


def frame_of(planes: Planes) -> av.VideoFrame:
    """A video frame with these planes."""
    width, height = planes[0].size
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, image in zip(frame.planes, planes, strict=True):
        data = image.tobytes()
        if plane.line_size != plane.width:
            data = _with_stride(data, plane.width, plane.line_size)
        plane.update(data)
    return frame


def blend(a: Planes, b: Planes, share: float) -> Planes:
    """``share`` of ``b`` over ``a``."""
    return tuple(Image.blend(x, y, share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def tint(planes: Planes, look: Look, strength: float) -> Planes:
    """The planes in the light of ``look``, 0 ≤ ``strength`` ≤ 1."""
    shifts = (round(look.luma * strength), round(look.blue * strength), round(look.red * strength))
    bounds = ((16, 235), (16, 240), (16, 240))
    return tuple(
        p if not s else p.point(_shifted(s, *b))
        for p, s, b in zip(planes, shifts, bounds, strict=True)
    )  # type: ignore[return-value]


def _frame_from(image: Image.Image) -> av.VideoFrame:
    frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
    return frame


def _crop_scale(plane: Image.Image, box: Box, width: int, height: int) -> Image.Image:
    left, top, right, bottom = box
    region = (
        left * plane.width,
        top * plane.height,
        min(right, 1.0) * plane.width,
        min(bottom, 1.0) * plane.height,
    )
    return plane.resize((width, height), Image.Resampling.BILINEAR, box=region)


def _shifted(shift: int, low: int, high: int) -> list[int]:
    return [min(high, max(low, v + shift)) for v in range(256)]


def _with_stride(data: bytes, width: int, stride: int) -> bytes:
    pad = bytes(stride - width)
    return b"".join(data[i : i + width] + pad for i in range(0, len(data), width))
