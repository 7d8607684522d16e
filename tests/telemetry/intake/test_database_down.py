"""A database that is down is a 503 with Retry-After, in time for every sender, and never a lost row."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from psycopg.conninfo import conninfo_to_dict

from config.embedded.postgres import EmbeddedPostgres
from tests import running

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


class Installation:
    """A database server of its own, bootstrapped, with a token that may push."""

    def __init__(self, home: Path) -> None:
        self.server = EmbeddedPostgres(home)
        address = conninfo_to_dict(self.server.start())
        url = f"postgresql://debrief:{address['password']}@/debrief?host={address['host']}"
        self.environment = {**os.environ, "DATABASE_URL": url, "DATABASE_POOL": "4"}
        self.manage("bootstrap")
        self.token = self.manage("create_token", "admin", "--scope", "ingest").strip()

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=running.ROOT, env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout


@pytest.fixture
def installation() -> Iterator[Installation]:
    """Outside pytest's own folders, which nobody but their owner may enter."""
    home = Path(tempfile.mkdtemp(prefix="debrief-tests-"))
    home.chmod(0o755)
    made = Installation(home)
    yield made
    made.server.stop()
    shutil.rmtree(home, ignore_errors=True)


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
