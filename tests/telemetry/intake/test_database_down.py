"""A database that is down is a 503 with Retry-After, in time for every sender, and never a lost row."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests import running
from tests.installation import Installation

SPAN = {
    "traceId": "a" * 32,
    "spanId": "b" * 16,
    "name": "GET /",
    "startTimeUnixNano": "1795243080000000000",
    "endTimeUnixNano": "1795243081000000000",
}
BODY = {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]}
# The Python and the JavaScript exporter give up after ten seconds.
SENDERS_PATIENCE = 9
OTHERS = ("/v1/metrics", "/ingest/fluent/", "/hooks/alertmanager/", "/hooks/webhook/")


def _empty(address: str, path: str, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{address}{path}", json={}, headers=headers, timeout=SENDERS_PATIENCE)


def test_senders_are_asked_to_come_back(installation: Installation, tmp_path: Path) -> None:
    with running.web(environment=installation.environment, log=tmp_path / "web.log") as address:

        def push() -> httpx.Response:
            headers = {"Authorization": f"Bearer {installation.token}"}
            return httpx.post(f"{address}/v1/traces", json=BODY, headers=headers, timeout=SENDERS_PATIENCE)

        assert push().status_code == 200
        installation.server.stop()
        refused = push()
        assert refused.status_code == 503, refused.text
        assert int(refused.headers["retry-after"]) > 0
        with ThreadPoolExecutor() as senders:
            others = list(senders.map(lambda path: _empty(address, path, installation.token), OTHERS))
        assert [(one.status_code, "retry-after" in one.headers) for one in others] == [(503, True)] * len(OTHERS)
        ready = httpx.get(f"{address}/readyz", timeout=SENDERS_PATIENCE)
        assert (ready.status_code, ready.json()["failed"]) == (503, {"database": "does not answer"})
        assert httpx.get(f"{address}/healthz").status_code == 200
        assert "debrief_up 0" in httpx.get(f"{address}/metrics", timeout=SENDERS_PATIENCE).text
        api = httpx.get(
            f"{address}/api/v1/incidents/",
            headers={"Authorization": f"Bearer {installation.token}"},
            timeout=SENDERS_PATIENCE,
        )
        assert (api.status_code, "retry-after" in api.headers) == (503, True)

        installation.server.start()
        running.wait_for(lambda: push().status_code == 200, "the intake after the database is back", 30)
    assert "1" in installation.manage("shell", "-c", "from telemetry.models import Span; print(Span.objects.count())")
