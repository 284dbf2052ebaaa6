"""What a line of a file of customers says. Only what it tells is changed."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.customers import fold
from crm.importing import cells as read
from crm.importing.cells import Cells, Field
from crm.importing.frames import Frame
from crm.mappings import BadCell

PHONES = ("phone", "phone_2", "phone_3")
FIELDS = (
    Field(
        "external_id",
        gettext_lazy("Customer number"),
        *("customerid", "customernumber", "customerno", "customer", "id", "accountnumber"),
        *(
            "accountid",
            "clientid",
            "clientnumber",
            "crmid",
            "reference",
            "numeroclient",
            "noclient",
        ),
        *(
            "numerodeclient",
            "ndeclient",
            "nclient",
            "idclient",
            "codeclient",
            "refclient",
            "client",
        ),
        *("klantnummer", "klantnr", "klantid", "klantcode", "klant", "kundennummer", "kundennr"),
        needed=True,
    ),
    Field(
        "name",
        gettext_lazy("Name, or family name"),
        *("fullname", "customername", "lastname", "surname", "familyname", "nom", "nomcomplet"),
        *("nomdefamille", "nomclient", "nometprenom", "naam", "volledigenaam", "achternaam"),
        *("familienaam", "klantnaam", "nachname", "name1"),
    ),
    Field(
        "first_name",
        gettext_lazy("First name, put before the name"),
        *("firstname", "givenname", "prenom", "voornaam", "vorname"),
    ),
    Field(
        "language",
        gettext_lazy("Language"),
        *("lang", "languagecode", "langue", "codelangue", "taal", "taalcode", "sprache"),
    ),
    Field(
        "phone",
        gettext_lazy("Telephone"),
        *("phones", "phonenumber", "phone1", "tel", "tel1", "telephone", "telephonenumber"),
        *("telephone1", "mobile", "mobilephone", "cell", "gsm", "msisdn", "number", "numero"),
        "nummer",
        *("numerodetelephone", "ndetelephone", "telefoon", "telefoonnummer", "telefoon1"),
        *("mobiel", "telefon", "telefonnummer", "gsmnummer", "numerogsm", "portable"),
    ),
    Field(
        "phone_2",
        gettext_lazy("Second telephone"),
        *("tel2", "telephone2", "telefoon2", "landline", "homephone", "fixe", "telephonefixe"),
        *("telfixe", "vast", "vastnummer", "vastetelefoon", "festnetz", "otherphone"),
    ),
    Field("phone_3", gettext_lazy("Third telephone"), "tel3", "telephone3", "telefoon3"),
    Field(
        "email",
        gettext_lazy("E-mail"),
        *("mail", "emailaddress", "emails", "courriel", "adresseemail", "adressemail"),
        *("adresseelectronique", "emailadres", "mailadres", "epost"),
    ),
    Field(
        "street",
        gettext_lazy("Street"),
        *("address", "address1", "addressline1", "rue", "adresse", "adresse1", "straat", "adres"),
        *("straatennummer", "rueetnumero", "strasse", "straatnaam"),
    ),
    Field(
        "house_number",
        gettext_lazy("House number, put behind the street"),
        *("houseno", "streetnumber", "numeromaison", "numerorue", "huisnummer", "huisnr", "nr"),
    ),
    Field(
        "postcode",
        gettext_lazy("Postcode"),
        *("zip", "zipcode", "postalcode", "codepostal", "cp", "postnummer", "postnr", "plz"),
    ),
    Field(
        "city",
        gettext_lazy("City"),
        *("town", "place", "ville", "localite", "commune", "stad", "gemeente", "plaats", "ort"),
        "woonplaats",
    ),
    Field(
        "country", gettext_lazy("Country"), "countrycode", "pays", "codepays", "land", "landcode"
    ),
    Field(
        "bill_medium",
        gettext_lazy("Bill on paper or electronic"),
        *("billing", "paperless", "billingmedium", "facture", "typefacture", "supportfacture"),
        *("modefacture", "factuur", "factuurtype", "factuurwijze", "facturatie"),
    ),
    Field(
        "bill_day",
        gettext_lazy("Day of the bill (1 to 28)"),
        *("billingday", "jourfacture", "jourdefacturation", "factuurdag", "facturatiedag"),
    ),
    Field("team", gettext_lazy("Team"), "equipe", "ploeg"),
    Field(
        "note",
        gettext_lazy("Note"),
        *("notes", "comment", "comments", "remark", "remarks", "remarque", "remarques"),
        *("commentaire", "opmerking", "opmerkingen", "nota"),
    ),
)
LANGUAGES = {
    **dict.fromkeys(("fr", "f", "fra", "fre", "french", "francais", "frans", "fr-be"), "fr"),
    **dict.fromkeys(("nl", "n", "nld", "dut", "dutch", "neerlandais", "nederlands", "nl-be"), "nl"),
    **dict.fromkeys(("de", "d", "deu", "ger", "german", "allemand", "duits", "deutsch"), "de"),
    **dict.fromkeys(("en", "e", "eng", "english", "anglais", "engels"), "en"),
}
MEDIA = {
    **dict.fromkeys(("paper", "papier", "post", "poste", "letter", "courrier"), "paper"),
    **dict.fromkeys(
        ("electronic", "electronique", "elektronisch", "digital", "digitaal", "email", "e-mail"),
        "electronic",
    ),
    **dict.fromkeys(("pdf", "mail", "online", "paperless", "zoomit", "doccle"), "electronic"),
}
_COUNTRY = re.compile("[A-Za-z]{2}", re.ASCII)
COUNTRIES = {
    **dict.fromkeys(("belgium", "belgique", "belgie", "belgien"), "BE"),
    **dict.fromkeys(("france", "frankrijk", "frankreich"), "FR"),
    **dict.fromkeys(("netherlands", "pays-bas", "nederland", "niederlande"), "NL"),
    **dict.fromkeys(("germany", "allemagne", "duitsland", "deutschland"), "DE"),
    **dict.fromkeys(("luxembourg", "luxemburg"), "LU"),
}


def facts(cells: Cells, frame: Frame) -> tuple[str, dict[str, Any]]:
    """The customer's external id, and what is told. Raises BadCell."""
    key = read.needed(cells, "external_id", 64)
    country = _country(cells)
    told: dict[str, Any] = {
        "language": read.one_of(cells, "language", LANGUAGES),
        "country": country,
        "phones": read.numbers(cells, PHONES, country or frame.country),
        "emails": read.emails(cells, "email"),
        "street": _joined(cells, "street", "house_number", 200),
        "postcode": read.text(cells, "postcode", 16),
        "city": read.text(cells, "city", 100),
        "bill_medium": read.one_of(cells, "bill_medium", MEDIA),
        "bill_day": read.whole(cells, "bill_day", least=1, most=28),
        "team": _team(cells, frame),
        "note": read.text(cells, "note", 2000, lines=True),
    }
    name = _joined(cells, "first_name", "name", 200)
    if name:
        told["name"], told["folded_name"] = name, fold(name)[:200]
    return key, {name: value for name, value in told.items() if value is not None}


def _joined(cells: Cells, first: str, second: str, longest: int) -> str | None:
    one, two = read.text(cells, first, longest), read.text(cells, second, longest)
    both = f"{one} {two}" if one and two else one or two
    if both and len(both) > longest:
        raise BadCell(second, _("is longer than %(n)s characters") % {"n": longest})
    return both


def _country(cells: Cells) -> str | None:
    value = cells.get("country")
    if not value:
        return None
    if _COUNTRY.fullmatch(value):
        return value.upper()
    found = COUNTRIES.get(fold(value))
    if found is None:
        raise BadCell("country", _("is not a country code of two letters"))
    return found


def _team(cells: Cells, frame: Frame) -> int | None:
    named = cells.get("team")
    if not named:
        return None
    found = frame.teams.get(fold(named))
    if found is None:
        raise BadCell("team", _("names no team that exists"))
    return found
