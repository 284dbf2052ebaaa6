"""Fills the storm's database: a team, an agent, a key, customers with offers. Prints them as JSON.

python -m tests.storm.people COUNT SEED
"""

from __future__ import annotations

import json
import random
import sys
from datetime import datetime
from decimal import Decimal

import django

django.setup()

from config import clock  # noqa: E402  the models exist only now
from crm import customers, keys  # noqa: E402
from crm.actors import SYSTEM  # noqa: E402
from crm.models import Campaign, Customer, Team, User  # noqa: E402
from crm.workdays import DEFAULT  # noqa: E402
from offers import drafts  # noqa: E402

DOMAINS = ("mail.example", "post.example", "box.example", "web.example")
CAMPAIGNS = ("fibre", "renewal", "mobile")
PROPOSAL = drafts.Proposal(
    plan="Flex Fibre 500",
    lines=(customers.Line("Fibre internet", Decimal("39.00")),),
)
SCOPES = ("gate:read", "calls:write", "customers:read")


def fill(count: int, seed: int) -> dict[str, object]:
    at, rng = clock.now(), random.Random(seed)
    team = Team.objects.create(slug="storm", name="Storm", calendar=DEFAULT.to_dict())
    boss = User.objects.create(username="boss", role=User.Role.SUPERVISOR, team=team)
    User.objects.create(username="ops", role=User.Role.OPERATIONS)
    User.objects.create(username="agent", role=User.Role.AGENT, team=team, supervisor=boss)
    for slug in CAMPAIGNS:
        Campaign.objects.create(slug=slug, name=slug, purpose=Campaign.Purpose.SALES)
    key = keys.issue(name="storm", scopes=SCOPES, by=SYSTEM, at=at)
    return {
        "key": key.secret,
        "campaigns": CAMPAIGNS,
        "people": [_person(number, team, rng, at) for number in range(count)],
    }


def _person(number: int, team: Team, rng: random.Random, at: datetime) -> dict[str, object]:
    phones = [f"+3247{number:05d}{last:02d}" for last in range(rng.randint(1, 3))]
    if number % 5 == 4:
        phones.append(f"+3247{number - 1:05d}00")  # the household's number
    customer = customers.add(
        facts=customers.Facts(
            name=f"Person {number}",
            language=rng.choice(Customer.Language.values),
            team=team,
            phones=tuple(phones),
            emails=(f"person{number}@{rng.choice(DOMAINS)}",),
        ),
        at=at,
    )
    version = drafts.draft(customer=customer, proposal=PROPOSAL, by=SYSTEM, at=at)
    return {"reference": customer.reference, "phones": phones, "offer": version.offer.reference}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(fill(int(sys.argv[1]), int(sys.argv[2]))))
