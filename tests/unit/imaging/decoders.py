"""Pictures to encode, and what independent decoders make of the result."""

from __future__ import annotations

import io
import subprocess
import tempfile

from PIL import Image

from bridge.scanner.model import ColorMode


def picture(width: int, height: int, channels: int) -> bytes:
    """Packed rows that differ from place to place: smooth ramps with a dark bottom, another in each channel."""
    last = max(1, width - 1)
    row = bytes((x * 255 // last + 85 * channel) % 256 for x in range(width) for channel in range(channels))
    rows = []
    for y in range(height):
        shade = y * 160 // max(1, height - 1)
        rows.append(row.translate(bytes(max(0, value - shade) for value in range(256))))
    return b"".join(rows)


def by_pillow(jpeg: bytes) -> tuple[tuple[int, int], str, bytes]:
    """Size, mode and pixels by Pillow."""
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image.size, image.mode, image.tobytes()


def by_djpeg(jpeg: bytes, *options: str) -> tuple[tuple[int, int], str, bytes]:
    """Size, mode and pixels by djpeg, which must not warn."""
    done = subprocess.run(["djpeg", "-pnm", *options], input=jpeg, capture_output=True, check=True, timeout=60)
    assert done.stderr == b""
    kind, size, depth, pixels = done.stdout.split(b"\n", 3)
    assert depth == b"255"
    width, height = map(int, size.split())
    return (width, height), {b"P6": "RGB", b"P5": "L"}[kind], pixels


def whole(width: int, height: int, data: bytes, color: ColorMode, quality: int, subsampling: int) -> bytes:
    """One JPEG of the whole picture by cjpeg, for comparison: the same library without any strips."""
    kind = b"P6" if color is ColorMode.RGB_24 else b"P5"
    sample = {0: "1x1", 1: "2x1", 2: "2x2"}[subsampling]
    with tempfile.NamedTemporaryFile(suffix=".pnm") as source:
        source.write(b"%s\n%d %d\n255\n" % (kind, width, height) + data)
        source.flush()
        command = ["cjpeg", "-quality", str(quality), "-dct", "int", "-baseline"]
        command += ["-sample", sample] if color is ColorMode.RGB_24 else ["-grayscale"]
        return subprocess.run([*command, source.name], capture_output=True, check=True, timeout=60).stdout


def difference(one: bytes, other: bytes) -> float:
    """Mean absolute difference of two equally long runs of samples."""
    assert len(one) == len(other)
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


