"""The peer: reads web pages as JSON from standard input and sets them with WeasyPrint.

Runs in a virtual environment that has WeasyPrint and nothing of this project.
"""

from __future__ import annotations

import json
import sys
import time

from weasyprint import HTML
from weasyprint.text.fonts import FontConfiguration

WARM_UP = 2


def main() -> None:
    pages = json.load(sys.stdin)
    fonts = FontConfiguration()
    begun = 0.0
    for place, page in enumerate(pages):
        if place == WARM_UP:
            begun = time.perf_counter()
        pdf = HTML(string=page).write_pdf(pdf_variant="pdf/ua-1", font_config=fonts)
        if not pdf.startswith(b"%PDF-"):
            raise SystemExit("no PDF")
    rate = (len(pages) - WARM_UP) / (time.perf_counter() - begun)
    sys.stdout.write(json.dumps({"rate": rate}))


if __name__ == "__main__":
    main()
