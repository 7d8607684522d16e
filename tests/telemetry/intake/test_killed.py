"""What was answered survives: a web process killed while a sender pushes loses nothing and doubles nothing."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import httpx
import pytest

from telemetry.models import LogRecord
from tests import database, running
from tests.builders import make_person, make_token
from tests.telemetry.fluent.bodies import SECONDS, make_record

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.django_db(transaction=True)]
CHUNKS, RECORDS = 60, 100


def chunk(place: int) -> bytes:
    start = SECONDS + place * RECORDS
    return json.dumps([make_record(number, date=start + number) for number in range(RECORDS)]).encode()


def test_a_web_process_killed_on_the_way_loses_nothing_and_doubles_nothing(committed: None, tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {make_token(make_person('ada'), 'ingest')}"}
    port, sent, over = running.free_port(), threading.Semaphore(0), threading.Event()
    environment = database.environment(PORT=str(port), DATABASE_POOL="4")

    def push(client: httpx.Client, body: bytes) -> bool:
        try:
            answer = client.post(f"http://127.0.0.1:{port}/ingest/fluent/", content=body, headers=headers)
        except httpx.TransportError:
            time.sleep(0.05)
            return False
        assert answer.status_code in {200, 503}, answer.text
        return answer.is_success

    def send() -> None:
        with httpx.Client(timeout=10, trust_env=False) as client:
            for place in range(CHUNKS):
                body = chunk(place)
                while not over.is_set() and not push(client, body):
                    pass
                sent.release()

    sender = threading.Thread(target=send, daemon=True)
    with running.process(running.web_command(port), environment=environment, log=tmp_path / "first.log"):
        sender.start()
        for _ in range(CHUNKS // 3):
            assert sent.acquire(timeout=30), (tmp_path / "first.log").read_text()
    # What was answered before the kill is there, whatever the sender does afterwards.
    assert LogRecord.objects.count() >= CHUNKS // 3 * RECORDS
    with running.process(running.web_command(port), environment=environment, log=tmp_path / "second.log"):
        sender.join(30)
    over.set()
    assert not sender.is_alive()
    assert LogRecord.objects.count() == CHUNKS * RECORDS
