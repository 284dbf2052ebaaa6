"""Marks on paper: a reader that sees the print reads what was written."""

from __future__ import annotations

import io
from typing import Any

import pytest
import typst
import zxingcpp
from PIL import Image

from offers import marks

PAGE = """
#set page(width: 90mm, height: auto, margin: 8mm)
#image("mark.svg", width: {width}, height: {height}, fit: "stretch")
"""


def printed(svg: bytes, *, width: str, height: str) -> Image.Image:
    """The mark as a printer draws it, at 200 dots an inch."""
    page = PAGE.format(width=width, height=height).encode()
    files: Any = {"main.typ": page, "mark.svg": svg}
    drawn = typst.compile(files, format="png", ppi=200)
    assert isinstance(drawn, bytes)
    return Image.open(io.BytesIO(drawn)).convert("L")


def read(image: Image.Image) -> list[tuple[str, str]]:
    return [(str(found.format), found.text) for found in zxingcpp.read_barcodes(image)]


@pytest.mark.parametrize(
    "text",
    [
        "https://kept.example/o/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcd/",
        "https://a-much-longer-name-of-a-house.telecom.example/o/" + "x" * 90 + "/",
    ],
)
def test_a_telephone_reads_the_address_of_the_page_from_27_millimetres(text: str) -> None:
    assert read(printed(marks.qr(text), width="27mm", height="27mm")) == [("QR Code", text)]


def test_a_damaged_code_still_reads() -> None:
    text = "https://kept.example/o/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcd/"
    image = printed(marks.qr(text), width="27mm", height="27mm")
    wide, high = image.size
    image.paste(255, (wide // 2, high // 2, wide // 2 + 24, high // 2 + 24))
    assert read(image) == [("QR Code", text)]


@pytest.mark.parametrize("code", ["D0000000001", "D9223372036854775807", "R12-000345"])
def test_the_machine_of_the_mail_room_reads_the_sheet(code: str) -> None:
    image = printed(marks.code128(code), width="62mm", height="8mm")
    assert read(image) == [("Code 128", code)]


def test_the_same_text_gives_the_same_mark_and_another_one_another() -> None:
    assert marks.qr("a") == marks.qr("a") != marks.qr("b")
    assert marks.code128("a") == marks.code128("a") != marks.code128("b")
