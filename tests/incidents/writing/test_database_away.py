"""The database is away for half a minute while two people write: nobody is stopped, and all of it arrives later."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import running
from tests.incidents.writing.editors import Editor, Session
from tests.installation import Installation

AWAY_SECONDS = 30


def postmortem_of(installation: Installation, address: str) -> tuple[int, int, str]:
    """Id, number of the incident, guid of the document."""
    token = installation.manage("create_token", "admin", "--scope", "write", "--name", "writer").strip()
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
        incident = client.post("/api/v1/incidents/", json={"title": "Away", "severity": "SEV2"}).json()
        row = client.post("/api/v1/postmortems/", json={"incident": incident["number"], "body": "## Summary\n"}).json()
    shell = (
        "from incidents.writing import documents; from django.utils import timezone;"
        f"print(documents.open_document({row['id']}, timezone.now()).guid)"
    )
    return row["id"], incident["number"], installation.manage("shell", "-v", "0", "-c", shell).strip()


@pytest.mark.timeout(150)
def test_editing_goes_on_and_all_of_it_arrives(installation: Installation, tmp_path: Path) -> None:
    with running.web(environment=installation.environment, log=tmp_path / "web.log") as address:
        id_, number, guid = postmortem_of(installation, address)
        session = Session(installation.signed_in(address))
        ada, ben = Editor(session, number, guid), Editor(session, number, guid)
        asyncio.run(_write_through(ada, ben, address, installation))
        shell = f"from incidents.models import PostMortem; print(PostMortem.objects.get(pk={id_}).body)"
        stored = installation.manage("shell", "-v", "0", "-c", shell)
    assert stored.strip() == ada.text().strip()
    for number in range(AWAY_SECONDS):
        assert f"a{number}." in stored
        assert f"b{number}." in stored


async def _write_through(ada: Editor, ben: Editor, address: str, installation: Any) -> None:
    for editor in (ada, ben):
        await editor.open(address)
        await asyncio.wait_for(editor.synced.wait(), 10)
    installation.server.stop()
    for number in range(AWAY_SECONDS):
        await ada.type(0, f"a{number}.")
        await ben.type(0, f"b{number}.")
        await asyncio.sleep(1)
    assert ada.socket is not None
    assert ada.stored < ada.made, "what no database has must not be called saved"
    async with asyncio.timeout(5):
        while ada.text() != ben.text():
            await asyncio.sleep(0.05)
    # In this thread: the server ends with the one that started it.
    installation.server.start()
    await ada.stored_all(40)
    await ben.stored_all(40)
    await ada.settled(40)
    for editor in (ada, ben):
        await editor.close()
