"""An installation with a database server of its own, which a test may stop and start."""

from __future__ import annotations

import os
import re
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

    def signed_in(self, address: str, person: str = "admin") -> dict[str, str]:
        """The cookies of somebody who went through the one-time link."""
        link = self.manage("sign_in_link", person).strip()
        path = re.sub(r"^https?://[^/]+", "", link)
        with httpx.Client(base_url=address, trust_env=False) as client:
            form = client.get(path)
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)
            assert token, form.text
            client.post(path, data={"csrfmiddlewaretoken": token[1]}, headers={"Referer": address})
            return dict(client.cookies)


@pytest.fixture
def installation() -> Iterator[Installation]:
    """Outside pytest's own folders, which nobody but their owner may enter."""
    home = Path(tempfile.mkdtemp(prefix="debrief-tests-"))
    home.chmod(0o755)
    made = Installation(home)
    yield made
    made.server.stop()
    shutil.rmtree(home, ignore_errors=True)
