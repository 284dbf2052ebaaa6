"""The API held against its own OpenAPI document: by requests that fit it, and by others.

Made up from a seed, so that a finding comes again. What is found is put right in the API.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from config.wsgi import application
from tests.api.conftest import Machine
from tests.cast import START, Cast, call_and_promise
from tests.followups.scenes import Kind, report

EXAMPLES = 20
CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 20260302,
        "generation": {"max-examples": EXAMPLES, "database": "none"},
        "checks": {
            # A campaign or customer that there is not, is refused by field like any wrong value.
            "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "404", "409", "422"]},
            # What is far too much for a field may be too much for the whole request.
            "negative_data_rejection": {
                "expected-statuses": ["400", "401", "404", "405", "409", "411", "413", "415", "422"]
            },
        },
    }
)
schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application, config=CONFIG)


@pytest.fixture
def one_connection(db: None) -> Iterator[None]:
    """A server lets go of its connection after each request; the test's transaction is in it."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def known(scene: Cast) -> dict[str, str]:
    """A reference for each room of the API in which something has one."""
    promise = call_and_promise(scene.amina, scene.dupont)
    report(promise, Kind.DELIVERED, at=START)
    return {"/promises/{": promise.reference, "/customers/{": scene.dupont.reference}


@pytest.mark.usefixtures("one_connection")
@schema.parametrize()
@settings(suppress_health_check=list(HealthCheck), deadline=None)
def test_the_api_does_what_its_document_says(
    case: Any, scene: Cast, dialer: Machine, known: dict[str, str]
) -> None:
    """Every other request that fits the document is about somebody, or something, that there is."""
    room = next((name for name in known if name in case.path), None)
    if (
        room
        and case.meta.generation.mode.is_positive
        and len(case.path_parameters["reference"]) % 2
    ):
        case.path_parameters["reference"] = known[room]
    case.call_and_validate(headers={"Authorization": f"Bearer {dialer.secret}"})
