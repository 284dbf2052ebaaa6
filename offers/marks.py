"""Marks that machines read on paper: a QR code for a page's address, Code 128 for a sheet.

Each is an SVG of one path, so that no printer shows seams between its parts.
"""

from __future__ import annotations

from typing import Any

from zxingcpp import BarcodeFormat, create_barcode, write_barcode_to_image

# What ISO/IEC 18004 asks to stay white around a QR code, in modules.
QUIET_ZONE = 4


def qr(text: str) -> bytes:
    """An SVG of a QR code that still reads with 15 % of it lost (level M)."""
    rows = _modules(text, BarcodeFormat.QRCode, ec_level="M")
    size = len(rows) + 2 * QUIET_ZONE
    path = "".join(
        f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h{width}v1h-{width}z"
        for y, row in enumerate(rows)
        for x, width in _runs(row)
    )
    return _svg(f'viewBox="0 0 {size} {size}"', path)


def code128(text: str) -> bytes:
    """An SVG of the bars alone, one module high, to be drawn as high as there is room."""
    row = _modules(text, BarcodeFormat.Code128)[0]
    path = "".join(f"M{x} 0h{width}v1h-{width}z" for x, width in _runs(row))
    return _svg(f'viewBox="0 0 {len(row)} 1" preserveAspectRatio="none"', path)


def _modules(text: str, kind: BarcodeFormat, **how: str) -> list[bytes]:
    """The rows of a mark, a byte for each module: 0 is black."""
    code = create_barcode(text, kind, **how)
    # The types of the package do not know that an image can be read as bytes.
    image: Any = write_barcode_to_image(code, add_quiet_zones=False)
    width = image.shape[1]
    data = bytes(image)
    return [data[start : start + width] for start in range(0, len(data), width)]


def _runs(row: bytes) -> list[tuple[int, int]]:
    """Where each black stretch of a row begins, and how wide it is."""
    runs = []
    start = row.find(0)
    while start >= 0:
        end = row.find(255, start)
        end = len(row) if end < 0 else end
        runs.append((start, end - start))
        start = row.find(0, end)
    return runs


def _svg(box: str, path: str) -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}><path d="{path}"/></svg>'.encode()
