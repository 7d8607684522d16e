"""Probes are answered whatever host they name; pages are not."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_probe_may_ask_by_the_address_of_the_pod(path: str) -> None:
    assert Client(HTTP_HOST="10.0.0.7").get(path).status_code in {200, 503}


def test_a_page_asked_by_an_unknown_host_is_refused() -> None:
    assert Client(HTTP_HOST="10.0.0.7").get("/").status_code == 400
