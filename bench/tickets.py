"""The peer: django-helpdesk's escalate_tickets on due tickets, on the same PostgreSQL.

Runs in a virtual environment that has django-helpdesk and psycopg and nothing of this project, as
`tickets.py DATABASE_URL TICKETS`. Its mails are thrown away without a server: that is in its
favour.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, include, path
from django.utils import timezone

AGENTS = 200
INSTALLED = (
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.admin",
    "django.contrib.messages",
    "django.contrib.humanize",
    "helpdesk",
)

urlpatterns: list[URLPattern | URLResolver] = []  # its mails name the page of the ticket


def configure(address: str) -> None:
    found = urlsplit(address)
    settings.configure(
        INSTALLED_APPS=INSTALLED,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": found.path.lstrip("/"),
                "USER": found.username,
                "HOST": parse_qs(found.query)["host"][0],
            }
        },
        EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        ROOT_URLCONF=__name__,
        SECRET_KEY="only-for-measuring" * 3,
        SITE_ID=1,
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
        USE_TZ=True,
        HELPDESK_TEAMS_MODE_ENABLED=False,
    )
    django.setup()
    urlpatterns.append(path("", include("helpdesk.urls")))


def fill(count: int) -> None:
    """Tickets that have waited ten days for somebody, each with an owner to be told."""
    User = apps.get_model("auth", "User")
    Queue, Ticket = (apps.get_model("helpdesk", name) for name in ("Queue", "Ticket"))
    queue = Queue.objects.create(title="Bench", slug="bench", escalate_days=3)
    names = [f"agent-{number}" for number in range(AGENTS)]
    User.objects.bulk_create([User(username=n, email=f"{n}@bench.example") for n in names])
    owners = list(User.objects.all())
    long_ago = timezone.now() - timedelta(days=10)
    Ticket.objects.bulk_create(
        (
            Ticket(
                queue=queue,
                title=f"Ticket {number}",
                created=long_ago,
                assigned_to=owners[number % AGENTS],
                submitter_email=f"customer{number}@bench.example",
                status=Ticket.OPEN_STATUS,
                priority=3,
                secret_key=f"{number:036}",
            )
            for number in range(count)
        ),
        batch_size=5_000,
    )
    Ticket.objects.update(created=long_ago, last_escalation=None)


def main() -> None:
    address, count = sys.argv[1], int(sys.argv[2])
    configure(address)
    call_command("migrate", verbosity=0)
    fill(count)
    begun = time.perf_counter()
    call_command("escalate_tickets")
    took = time.perf_counter() - begun
    told = apps.get_model("helpdesk", "FollowUp").objects.filter(title="Ticket Escalated").count()
    if told != count:
        raise SystemExit(f"{told} of {count} tickets were escalated")
    sys.stdout.write(json.dumps({"rate": count / took}))


if __name__ == "__main__":
    main()
