"""The one choke point for telephone numbers: whatever is written comes out as E.164 or not at all.

Two ways lead through. Plain Belgian, French, Dutch and German numbers take one regular
expression, compiled from the patterns of the phonenumbers library itself so that both ways cannot
drift apart; everything else is cleaned, unwrapped from its URI and given to the library.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberDesc, PhoneNumberFormat

# Their international prefix is 00, their national prefix 0, and no other country shares their
# country code: that is what makes the fast path certain.
FAST_REGIONS = ("BE", "FR", "NL", "DE")

# Longer than any number in any URI; keeps a hostile input from costing more than a moment.
LONGEST_INPUT = 250

NOTHING = "(?!)"  # the pattern that nothing matches

_SEPARATORS = str.maketrans("", "", " .-/()[]")
_E164 = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)
# The library would find a number in the middle of a sentence. A gate must not guess.
_WRITTEN = re.compile(r"[ (\[]*\+?[0-9 .()\[\]/~-]+", re.ASCII)
_EXTENSION = re.compile(
    r"\s*(?:;\s*)?\(?(?:ext(?:n|ension)?[.:= ]*|x|#)\s*[0-9]{1,10}\s*\)?\s*$", re.I
)
# What may follow a number: RFC 3966 lets parameters begin with a letter. `;0471…` is a second
# number, and of two numbers none is the one that was asked for.
_PARAMETER = re.compile(r"\s*[a-z][a-z0-9-]*\s*(?:=.*)?", re.I | re.S)
_IN_ANGLES = re.compile(r"<\s*((?:sips?|tel):[^<>]*)>", re.I)
_SCHEME = re.compile(r"\s*(sips?|tel):\s*(?://)?", re.I)
_CONTEXT = re.compile(r";\s*phone-context\s*=\s*(\+[^;]*)", re.I)


class NotANumber(ValueError):
    """What was given is no telephone number. Carries no digits: its text may reach a log."""


def normalise(raw: str, region: str = "BE") -> str:
    """Return `raw` in E.164, reading national numbers as those of `region` (ISO 3166 alpha-2).

    An extension is dropped: E.164 has none. A leading blank stands for a `+` that a query string
    has lost, unless that makes no number. Raises NotANumber for anything else.
    """
    plain = _plain().get(raw[:3])
    if plain and plain.fullmatch(raw, 3):
        return raw
    if len(raw) > LONGEST_INPUT:
        raise NotANumber("too long for a telephone number")
    found = _fast(raw, region) or _slow(raw, region.upper())
    if found is None:
        raise NotANumber("not a telephone number")
    return found


def normalise_all(written: Sequence[str], region: str = "BE") -> list[str | None]:
    """Each of many in E.164, or None where `normalise` refuses: the same answers, and for plain
    numbers several times as fast."""
    region = region.upper()
    bare = "\n".join(written).translate(_SEPARATORS).split("\n")
    if len(bare) != len(written):  # there are line breaks in them
        return [_or_none(raw, region) for raw in written]
    plain, home, abroad = _plain(), _home(region), region in FAST_REGIONS
    code, found = f"+{_code(region)}", []
    for raw, text in zip(written, bare, strict=True):
        number: str | None = None
        if (national := plain.get(text[:3])) and national.fullmatch(text, 3):
            number = text
        elif home.fullmatch(text):
            number = code + text[1:]
        elif abroad and text[:2] == "00":
            national = plain.get(f"+{text[2:4]}")
            if national and national.fullmatch(text, 4):
                number = f"+{text[2:]}"
        # Separators were dropped before anybody looked what they are, or how many.
        looked = raw == text or not (raw[0] == " " or len(raw) > LONGEST_INPUT)
        found.append(number if number and looked else _or_none(raw, region))
    return found


def _or_none(raw: str, region: str) -> str | None:
    try:
        return normalise(raw, region)
    except NotANumber:
        return None


def international(e164: str) -> str:
    """`e164` in groups, for people: +32 470 12 34 56. Text that is no E.164 comes back as it is."""
    if not _E164.fullmatch(e164):
        return e164
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return e164
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def mask(e164: str) -> str:
    """`e164` for logs: the country code and the last two digits, +32*******56."""
    code = _country_code(e164)
    if code is None or len(e164) - len(code) < 7:
        return "***"
    head = len(code) + 1
    return f"{e164[:head]}{'*' * (len(e164) - head - 2)}{e164[-2:]}"


def region_of(e164: str) -> str | None:
    """The ISO country that `e164` belongs to; None for numbers of no country, such as +800."""
    code = _country_code(e164)
    if code is None:
        return None
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)]
    if len(regions) > 1:
        try:
            return phonenumbers.region_code_for_number(phonenumbers.parse(e164))
        except NumberParseException:
            return None
    return None if regions[0] == "001" else regions[0]


def _fast(raw: str, region: str) -> str | None:
    """E.164 when `raw` is certainly a number the library finds valid; None when unsure."""
    text = f"+{raw[1:]}" if raw[:1] == " " else raw
    pattern = _pattern(region)
    found = pattern.fullmatch(text) or pattern.fullmatch(text.translate(_SEPARATORS))
    if found is None:
        return None
    # The group's name is the country code that the pattern has recognised: c32.
    name = found.lastgroup or ""
    return f"+{name[1:3]}{found[name]}"


def _slow(raw: str, region: str) -> str | None:
    """E.164 of what takes more than one look, or None."""
    text = _unwrapped(_folded(unquote(raw)))
    if raw[:1] == " " and text[:1] in "123456789":
        return _readable(f"+{text}", region) or _readable(text, region)
    return _readable(text, region)


@lru_cache(maxsize=1)
def _plain() -> dict[str, re.Pattern[str]]:
    """What follows the country code in a number that is E.164 already."""
    return {f"+{_code(name)}": re.compile(_national(name), re.ASCII) for name in FAST_REGIONS}


@lru_cache(maxsize=512)
def _home(region: str) -> re.Pattern[str]:
    """A national number of the default region, where it takes the fast path."""
    return re.compile(f"0{_national(region)}" if region in FAST_REGIONS else NOTHING, re.ASCII)


@lru_cache(maxsize=512)
def _pattern(region: str) -> re.Pattern[str]:
    """The fast path of one default region: the neighbours written out, its own numbers after 0."""
    region = region.upper()
    neighbours = "|".join(
        f"{_code(name)}0?(?P<c{_code(name)}>{_national(name)})" for name in FAST_REGIONS
    )
    if region not in FAST_REGIONS:
        return re.compile(rf"\+(?:{neighbours})", re.ASCII)
    # 00 leads abroad, and 0 into the country, only where the region dials so.
    home = f"0(?P<c{_code(region)}home>{_national(region)})"
    return re.compile(rf"(?:\+|00)(?:{neighbours})|{home}", re.ASCII)


def _code(region: str) -> int:
    return phonenumbers.country_code_for_region(region)


def _national(region: str) -> str:
    """The mobile and fixed-line numbers of `region`, by the library's own metadata."""
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        return NOTHING
    # The look-ahead asks of a number what the library asks first: that its general form is right.
    kinds = f"(?:{_form(metadata.mobile)}|{_form(metadata.fixed_line)})"
    return rf"(?=(?:{_form(metadata.general_desc)})\Z){kinds}"


def _form(kind: PhoneNumberDesc | None) -> str:
    return (kind and kind.national_number_pattern) or NOTHING


def _readable(text: str, region: str) -> str | None:
    """E.164 by the library, or None."""
    if not _WRITTEN.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _unwrapped(text: str) -> str:
    """The number alone: out of its tel: or sip: URI, without parameters and extension."""
    inside = _IN_ANGLES.findall(text)
    if len(inside) > 1:
        return ""  # the display name holds one too, or it is a list
    text = inside[0] if inside else text
    scheme = _SCHEME.match(text)
    if scheme:
        text = text[scheme.end() :]
        if scheme[1].lower() != "tel":
            text = _sip_user(text)
    context = _CONTEXT.search(text)
    number, *parameters = _EXTENSION.sub("", text).split(";")
    if not all(map(_PARAMETER.fullmatch, parameters)):
        return ""
    number = number.strip()
    if context and not number.startswith("+"):
        return context[1].strip() + number
    return number


def _sip_user(address: str) -> str:
    """The user part of a SIP address. What stands alone is a host unless it starts as a number
    does: 81.24.35.12 is a machine, not a telephone in Namur."""
    user, at_sign, host = address.partition("@")
    if "@" in host or "," in host:
        return ""  # which of the two would be called?
    if not at_sign and not user.startswith(("+", "0")):
        return ""
    number, *parameters = user.split(";")
    return ";".join([number.split(":")[0], *parameters])


def _folded(text: str) -> str:
    """Digits, plus signs, blanks and dashes of every script as ASCII; invisible marks dropped."""
    if text.isascii():
        return text
    return "".join(map(_folded_character, text))


def _folded_character(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    match unicodedata.category(character):
        case "Cf":  # direction marks that come along when a number is copied from a contact
            return ""
        case "Zs":
            return " "
        case "Pd":
            return "-"
        case "No" | "Nl":  # footnote marks, fractions, Roman numerals: no digits of a number
            return character
    if character in "\N{MINUS SIGN}\N{KATAKANA-HIRAGANA PROLONGED SOUND MARK}":
        return "-"
    return unicodedata.normalize("NFKC", character)


def _country_code(e164: str) -> str | None:
    if not _E164.fullmatch(e164):
        return None
    known = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return next((e164[1:end] for end in (2, 3, 4) if int(e164[1:end]) in known), None)
