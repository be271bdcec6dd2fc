"""Make the book's figures small: at most 256 colours, which line drawings do not miss."""

from __future__ import annotations

import io

from PIL import Image, ImageChops

COLOURS = 256
FAR = 24  # a step of 256 that the eye sees in a plain area
FEW = 0.002  # the share of pixels that may lie so far off


def flat(picture: Image.Image) -> Image.Image:
    """Return a picture on white, without transparency."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        paper = Image.new("RGB", picture.size, "white")
        paper.paste(picture, mask=picture.getchannel("A"))
        return paper
    return picture.convert("RGB")


def few_colours(picture: Image.Image) -> Image.Image | None:
    """Return an RGB picture with a palette, or None where that would be seen."""
    reduced = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    off = ImageChops.difference(picture, reduced.convert("RGB"))
    off = max(sum(band.histogram()[FAR:]) for band in off.split())
    return reduced if off <= FEW * picture.width * picture.height else None


def small_png(content: bytes) -> bytes:
    """Return a PNG file of the same picture, smaller where it can be."""
    picture = flat(Image.open(io.BytesIO(content)))
    buffer = io.BytesIO()
    (few_colours(picture) or picture).save(buffer, "png", optimize=True)
    return min(content, buffer.getvalue(), key=len)
