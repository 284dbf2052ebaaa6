"""Who did it: a person, a machine's key, the customer, or Kept itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from crm.models import ApiKey, Customer, User


@dataclass(frozen=True)
class Actor:
    """An author. `code` is what the rows keep: an id, never a name."""

    code: str
    user: User | None = None
    key: ApiKey | None = None

    @classmethod
    def person(cls, user: User) -> Actor:
        return cls(code=f"user:{user.pk}", user=user)

    @classmethod
    def machine(cls, key: ApiKey) -> Actor:
        return cls(code=f"key:{key.key_id}", key=key)

    @classmethod
    def customer(cls, customer: Customer) -> Actor:
        """The customer's own act, on the page or by one click in a mail."""
        return cls(code=f"customer:{customer.pk}")

    @classmethod
    def sweep(cls, name: str) -> Actor:
        return cls(code=f"sweep:{name}")


SYSTEM = Actor(code="system")
# Whoever it was: nobody had logged in.
NOBODY = Actor(code="nobody")


def names(codes: Iterable[str]) -> dict[str, str]:
    """What these authors are called on a screen, by code; nothing for an empty one. One query."""
    told = {code: _machine(code) for code in codes if code}
    ids = {int(code[5:]) for code in told if code.startswith("user:")}
    return told | {f"user:{user.pk}": str(user) for user in User.objects.filter(pk__in=ids)}


def _machine(code: str) -> str:
    if code.startswith("key:"):
        return _("a machine, by its key")
    if code.startswith("customer:"):
        return _("the customer")
    if code == NOBODY.code:
        return _("somebody unknown")
    return "Kept"
