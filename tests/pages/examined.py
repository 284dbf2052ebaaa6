"""What every page must stand in a real browser: axe, its policy, a phone, paper, and silence."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, Response

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
# A4 between its margins, in CSS pixels.
PAPER = {"width": 680, "height": 980}
SCHEMES = ("light", "dark")
# Everything shown that is folded away, so that it is looked at too.
UNFOLD = "document.querySelectorAll('main details').forEach(one => { one.open = true; })"
REFUSALS = """window.refusals = [];
document.addEventListener("securitypolicyviolation", refused => {
    window.refusals.push(`${refused.violatedDirective} ${refused.blockedURI} ${refused.sample}`);
});"""
# Over the line when nothing is kept from before, in bytes, compressed; what moved while it loaded.
MOST_BYTES, MOST_SHIFT = 300_000, 0.02
WEIGHT = """() => performance.getEntriesByType("resource")
    .concat(performance.getEntriesByType("navigation"))
    .reduce((sum, each) => sum + each.encodedBodySize, 0)"""
SHIFTS = """window.shifted = 0; new PerformanceObserver(list => {
    for (const each of list.getEntries()) if (!each.hadRecentInput) window.shifted += each.value;
}).observe({type: "layout-shift", buffered: true});"""
# What is wider than the window, the outermost first; what scrolls by itself may be.
WIDER = """() => document.documentElement.scrollWidth <= window.innerWidth ? [] :
    [...document.querySelectorAll("body *")]
        .filter(one => one.getBoundingClientRect().right > window.innerWidth + 0.5)
        .slice(0, 3).map(one => one.outerHTML.slice(0, 120))"""
# A table that reaches out of its place: on a desk's screen nothing scrolls sideways.
OUT = """() => [...document.querySelectorAll(".scroll")]
    .filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1)
    .slice(0, 3).map(one => `${one.scrollWidth - one.clientWidth} px too wide: `
        + one.outerHTML.slice(0, 160))"""
# Text that paper cannot show: it is there, and ends at the edge of a box that does not scroll.
CUT = """() => [...document.querySelectorAll("body *")].filter(one => {
    const style = getComputedStyle(one);
    return one.checkVisibility() && style.overflowX !== "visible"
        && !one.closest(".visually-hidden")
        && !["inline", "contents"].includes(style.display)
        && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1);
}).slice(0, 3).map(one => one.outerHTML.slice(0, 120))"""
CONTROLS = """() => [...document.querySelectorAll(
    "header.bar, nav, aside.demo, footer, form, button, dialog, input, select, textarea, .skip")]
    .filter(one => one.checkVisibility() && one.getBoundingClientRect().height > 0)
    .slice(0, 3).map(one => one.outerHTML.slice(0, 120))"""
DARK = """() => {
    const [red, green, blue, seen = 1] = getComputedStyle(document.body).backgroundColor
        .match(/[\\d.]+/g).map(Number);
    return seen > 0 && Math.min(red, green, blue) < 255 ? ["paper is printed dark"] : [];
}"""


class Watch:
    """Listens to a page; what was complained about since the last page is in `taken()`."""

    def __init__(self, page: Page) -> None:
        self.page, self._said = page, list[str]()
        page.add_init_script(REFUSALS)
        page.add_init_script(SHIFTS)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._said.append(f"script: {error}"))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # The status of a page is its visitor's to judge, and each part's stands in `response`.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self._said.append(f"console: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            self._said.append(f"{response.status} for {response.url}")

    def taken(self) -> list[str]:
        said, self._said = self._said, []
        return said + [f"policy: {line}" for line in self.page.evaluate("window.refusals")]


def axe(page: Page) -> list[str]:
    """Everything that axe finds, however small, best practice included."""
    found = Axe().run(page).response["violations"]
    return [f"{row['id']}: {row['nodes'][0]['html'][:200]}" for row in found]


def examine(page: Page, watch: Watch) -> list[str]:
    """All that is wrong with the page that is open, each with where it was seen."""
    faults = {"as it comes": _as_it_comes(page)}
    page.evaluate(UNFOLD)
    faults |= {
        **_by_day_and_night(page),
        "on a desk's screen": [*page.evaluate(WIDER), *page.evaluate(OUT)],
        "at 320 pixels": _on_a_phone(page),
        "on paper": _on_paper(page),
        "while it loaded": watch.taken(),
    }
    return [f"{where}: {fault}" for where, found in faults.items() for fault in found]


def _as_it_comes(page: Page) -> list[str]:
    weight, shifted = page.evaluate(WEIGHT), page.evaluate("window.shifted")
    heavy = [f"{weight} bytes"] if weight > MOST_BYTES else []
    return heavy + ([f"moves by {shifted} while it loads"] if shifted > MOST_SHIFT else [])


def _by_day_and_night(page: Page) -> dict[str, list[str]]:
    found = {}
    for scheme in SCHEMES:
        # Without transitions: a colour on its way has no contrast of its own.
        page.emulate_media(
            color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
        )
        found[f"axe, {scheme}"] = axe(page)
    return found


def _on_a_phone(page: Page) -> list[str]:
    page.set_viewport_size(PHONE)
    return [*page.evaluate(WIDER), *axe(page)]


def _on_paper(page: Page) -> list[str]:
    """Printed by who works in the dark: white paper, no controls, nothing cut off."""
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print", color_scheme="dark")
    found = [fault for look in (WIDER, CUT, CONTROLS, DARK) for fault in page.evaluate(look)]
    page.emulate_media(media="screen", color_scheme="light")
    page.set_viewport_size(DESKTOP)
    return found
