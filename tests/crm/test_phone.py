"""Telephone numbers: every way of writing one leads to the same E.164, and nothing else does."""

from __future__ import annotations

import random

import phonenumbers
import pytest

from crm import phone

AMINA = "+32470123456"


def _by_library(text: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _by_us(text: str, region: str) -> str | None:
    try:
        return phone.normalise(text, region)
    except phone.NotANumber:
        return None


def _digits(dice: random.Random, shortest: int, longest: int) -> str:
    return "".join(dice.choices("0123456789", k=dice.randint(shortest, longest)))


def _belgian_mobile(dice: random.Random) -> str:
    return f"4{dice.randint(50_000_000, 99_999_999)}"


@pytest.mark.parametrize(
    "written",
    [
        "+32470123456",
        "0032470123456",
        "0470123456",
        "0470 12 34 56",
        "0470/12.34.56",
        "0470-12-34-56",
        "(0470) 12 34 56",
        "[0470] 12 34 56",
        "+32 (0)470 12 34 56",
        "0032 (0) 470 12 34 56",
        "(+32) 470 12 34 56",
        "tel:+32470123456",
        "TEL: +32-470-12-34-56",
        "tel:%2B32470123456",
        "tel:470123456;phone-context=+32",
        "tel:0470123456;phone-context=+32",
        "tel:470123456;phone-context=%2B32",
        "tel:0470123456;phone-context=example.com",
        "tel:+32470123456;ext=12",
        "+32470123456;ext=12",
        "0470 12 34 56 ext. 12",
        "0470123456ext12",
        "0470123456 x12",
        "sip:+32470123456@example.com",
        "sips:+32470123456@example.com:5061;transport=tls",
        "sip:%2B32470123456@example.com;user=phone",
        "sip:+32470123456;phone-context=+32@example.com",
        "sip:470123456;phone-context=+32@example.com;user=phone",
        "sip:0470123456:secret@example.com",
        "sip:+32470123456",
        '"Mme Dupont" <sip:+32470123456@example.com>;tag=88',
        "%2B32470123456",
        " 32470123456",
        " 32 470 12 34 56",
        " 0470123456",
        " +32470123456",
        "0470123456 ",
        "0470123456\r\n",
        "+３２４７０１２３４５６",
        "＋３２４７０１２３４５６",
        "٠٤٧٠١٢٣٤٥٦",
        "०४७०१२३४५६",
        "+32\u00a0470\u202f12\u200934\u200956",
        "\u202a+32470123456\u202c",
        "0470–12—34‐56",
        "0470−12−34−56",
        "（0470）12　34　56",
        "%EF%BC%8B32470123456",
    ],
)
def test_every_way_of_writing_a_number_gives_the_same_number(written: str) -> None:
    assert phone.normalise(written) == AMINA


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "+",
        "0",
        "112",
        "anonymous",
        "sip:anonymous@anonymous.invalid",
        "sip:81.24.35.12",
        "sip:",
        "tel:",
        "1-800-FLOWERS",
        "call 0470123456 after six",
        "0470123456 / 0471123456",
        "0470123456, 0471123456",
        "0470+123456",
        "++32470123456",
        "*31#0470123456",
        "04701234567",
        "047012345",
        "+3247012345",
        "+999123456789",
        "+0",
        "0470\x00123456",
        "0470123456\n0471123456",
        "²470123456",
        "%",
        "%2B",
        "(((((",
        "0" * 251,
        "4" * 5000,
    ],
)
def test_anything_else_is_not_a_number(written: str) -> None:
    with pytest.raises(phone.NotANumber):
        phone.normalise(written)


def test_the_refusal_does_not_repeat_the_number() -> None:
    with pytest.raises(phone.NotANumber) as refusal:
        phone.normalise("0470 12 34 5")
    assert not any(character.isdigit() for character in str(refusal.value))
    assert refusal.value.__cause__ is None
    assert isinstance(refusal.value, ValueError)


def test_the_region_decides_what_a_national_number_means() -> None:
    assert phone.normalise("0612345678", "FR") == "+33612345678"
    assert phone.normalise("0612345678", "NL") == "+31612345678"
    assert phone.normalise("0612345678", "fr") == "+33612345678"
    assert phone.normalise("015112345678", "DE") == "+4915112345678"
    assert phone.normalise("(212) 555-0123", "US") == "+12125550123"
    with pytest.raises(phone.NotANumber):
        phone.normalise("0612345678", "BE")


def test_an_unknown_region_still_reads_international_numbers() -> None:
    assert phone.normalise("+32470123456", "QQ") == AMINA
    assert phone.normalise("+44 7911 123456", "QQ") == "+447911123456"
    with pytest.raises(phone.NotANumber):
        phone.normalise("0470123456", "QQ")


def test_two_zeros_lead_abroad_only_where_they_are_dialled() -> None:
    assert phone.normalise("0032470123456", "DE") == AMINA
    assert phone.normalise("01132470123456", "US") == AMINA
    with pytest.raises(phone.NotANumber):
        phone.normalise("0032470123456", "US")


def test_an_italian_zero_is_kept() -> None:
    assert phone.normalise("+39 06 6982 1234") == "+390669821234"
    assert phone.normalise("+39 (0)6 6982 1234") == "+390669821234"


def test_a_leading_blank_is_a_lost_plus_unless_that_makes_no_number() -> None:
    assert phone.normalise(" 33612345678") == "+33612345678"
    assert phone.normalise(" 447911123456") == "+447911123456"
    assert phone.normalise(" 470123456") == AMINA


def test_what_comes_out_goes_in_again() -> None:
    for number in (AMINA, "+33612345678", "+390669821234", "+447911123456", "+80012345678"):
        assert phone.normalise(number, "NL") == number


@pytest.mark.parametrize("region", ["BE", "FR", "NL", "DE", "GB", "US"])
def test_the_fast_path_agrees_with_the_library_on_random_numbers(region: str) -> None:
    dice = random.Random(f"plain {region}")
    codes = ("32", "33", "31", "49")
    for _ in range(4_000):
        code, rest = dice.choice(codes), _digits(dice, 4, 13)
        for written in (f"+{code}{rest}", f"00{code}{rest}", f"+{code}0{rest}", f"0{rest}"):
            assert _by_us(written, region) == _by_library(written, region), written


def test_the_fast_path_agrees_with_the_library_on_valid_numbers() -> None:
    """Lengths as the plans have them, so that most of them are numbers."""
    dice = random.Random("valid")
    seen = 0
    for region, code, shortest, longest in (
        ("BE", "32", 8, 9),
        ("FR", "33", 9, 9),
        ("NL", "31", 9, 9),
        ("DE", "49", 7, 11),
    ):
        for _ in range(5_000):
            rest = _digits(dice, shortest, longest)
            for written in (f"+{code}{rest}", f"0{rest}"):
                expected = _by_library(written, region)
                seen += expected is not None
                assert _by_us(written, region) == expected, written
    assert seen > 10_000


def test_the_fast_path_agrees_with_the_library_on_belgian_mobiles() -> None:
    dice = random.Random("mobiles")
    numbers = [f"4{rest}" for rest in dice.sample(range(50_000_000, 100_000_000), 150_000)]
    different = [
        number
        for number in numbers
        if not _by_library(f"+32{number}", "BE")
        == _by_us(f"+32{number}", "BE")
        == _by_us(f"0{number}", "BE")
    ]
    assert different == []


@pytest.mark.parametrize("region", ["BE", "FR", "NL", "DE"])
def test_the_fast_path_agrees_with_the_library_on_numbers_with_separators(region: str) -> None:
    dice = random.Random(f"separators {region}")
    heads = ("+32", "0032", "0", "+33", "+31", "+49", "+32(0)")
    for _ in range(3_000):
        number = dice.choice(heads) + (
            _belgian_mobile(dice) if dice.random() < 0.5 else _digits(dice, 7, 11)
        )
        written = "".join(
            character + (dice.choice(" .-/()") if dice.random() < 0.3 else "")
            for character in number
        )
        assert _by_us(written, region) == _by_library(written, region), written


@pytest.mark.parametrize("region", ["BE", "FR", "NL", "DE", "GB", "US", "be", "XX"])
def test_many_at_once_are_read_like_each_alone(region: str) -> None:
    dice = random.Random(f"many {region}")
    heads = ("+32", "0032", "0", "+33", "+31", "+49", "+32(0)", " 32", " 0", "00", "", "+1", "+44")
    written = ["", " ", "0" * 300, "0470-12" + "-" * 300 + "3456", "0470 12 34 56\u00a0"]
    for _ in range(20_000):
        number = dice.choice(heads) + (
            _belgian_mobile(dice) if dice.random() < 0.6 else _digits(dice, 5, 12)
        )
        odd = dice.choice((0.0, 0.0, 0.2))
        written.append(
            "".join(c + dice.choice(" .-/()[]x+") * (dice.random() < odd) for c in number)
        )
    found = phone.normalise_all(written, region)
    assert [*zip(written, found, strict=True)] == [(raw, _by_us(raw, region)) for raw in written]
    broken = [*written[:50], "0470\n123456"]
    assert phone.normalise_all(broken, region) == [_by_us(raw, region) for raw in broken]


def test_plain_numbers_never_reach_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the library was asked")

    monkeypatch.setattr(phone.phonenumbers, "parse", refuse)
    for written in (AMINA, "0470123456", "0032470123456", "0470/12.34.56", " 32470123456"):
        assert phone.normalise(written) == AMINA


def test_people_read_a_number_in_groups() -> None:
    assert phone.international(AMINA) == "+32 470 12 34 56"
    assert phone.international("+33612345678") == "+33 6 12 34 56 78"


def test_what_is_no_number_is_shown_as_it_is() -> None:
    assert phone.international("") == ""
    assert phone.international("unknown") == "unknown"
    assert phone.international("+999123456789") == "+999123456789"


def test_a_log_sees_the_country_and_the_last_two_digits() -> None:
    assert phone.mask(AMINA) == "+32*******56"
    assert phone.mask("+12125550123") == "+1********23"
    assert len(phone.mask("+352621123456")) == len("+352621123456")


@pytest.mark.parametrize("text", ["", "0470123456", "Mme Dupont", "+3212", "+999123456789"])
def test_a_log_sees_nothing_of_what_is_no_number(text: str) -> None:
    assert phone.mask(text) == "***"


def test_a_number_knows_its_country() -> None:
    assert phone.region_of(AMINA) == "BE"
    assert phone.region_of("+33612345678") == "FR"
    assert phone.region_of("+390236618300") == "IT"
    assert phone.region_of("+390669821234") == "VA"
    assert phone.region_of("+12125550123") == "US"
    assert phone.region_of("+262692123456") == "RE"


@pytest.mark.parametrize("text", ["", "0470123456", "+80012345678", "+999123456789", "+10"])
def test_what_belongs_to_no_country_has_no_region(text: str) -> None:
    assert phone.region_of(text) is None
