"""Two windows on two web processes, a program on the API, a process that dies, a cable that is pulled: for a minute."""

from __future__ import annotations

import os
import random
import shlex
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from tests import running
from tests.browser.cable import Cable, cable_to
from tests.browser.conftest import OpenTab
from tests.browser.stack import Demo
from tests.browser.writing import TEXT, joined, open_editor, saved, text_of
from tests.running import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium"), pytest.mark.timeout(300)]
SECONDS = float(os.environ.get("WRITING_SECONDS", "60"))
OFFLINE = 10.0
MOVE = "(e, share) => { const v = e.cmTile.view; v.dispatch({ selection: { anchor: Math.round(share * v.state.doc.length) } }) }"


class Letters:
    """Characters that nobody else types."""

    def __init__(self) -> None:
        self._next = 0x4E00
        self._lock = threading.Lock()

    def take(self, count: int) -> str:
        with self._lock:
            self._next += count
            return "".join(chr(self._next - count + place) for place in range(count))


class Program(threading.Thread):
    """Adds lines through the API, each based on the text it has read."""

    def __init__(self, address: str, token: str, number: int, letters: Letters) -> None:
        super().__init__(daemon=True)
        headers = {"Authorization": f"Bearer {token}"}
        self.api = httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=20)
        self.number, self.letters, self.typed, self.stopping = number, letters, "", threading.Event()
        self.chance = random.Random(5)

    def run(self) -> None:
        row = self.api.get("/api/v1/postmortems/", params={"incident__number": self.number}).json()["results"][0]
        while not self.stopping.wait(0.8):
            letters = self.letters.take(3)
            while not self._added(f"/api/v1/postmortems/{row['id']}/", letters):
                pass
            self.typed += letters

    def _added(self, url: str, letters: str) -> bool:
        seen = self.api.get(url)
        lines = seen.json()["body"].split("\n")
        lines.insert(self.chance.randint(0, len(lines)), letters)
        answer = self.api.patch(url, json={"body": "\n".join(lines)}, headers={"If-Match": seen.headers["ETag"]})
        assert answer.status_code in {200, 412}, answer.text
        return answer.status_code == 200


@pytest.fixture
def second_web(stack: Demo, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Another web process on the stack's database: its address and its process id."""
    lines = (stack.data_dir / "environment").read_text().splitlines()
    given = dict(shlex.split(line.removeprefix("export "))[0].split("=", 1) for line in lines)
    port = running.free_port()
    environment = {**os.environ, **given, "PORT": str(port)}
    log = tmp_path / "second.log"
    with running.process(running.web_command(port), environment=environment, log=log) as child:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: _answers(address), "the second web process")
        yield address, child.pid


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def type_somewhere(tab: Page, chance: random.Random, letters: Letters) -> str:
    text = letters.take(chance.randint(1, 4))
    tab.locator(TEXT).evaluate(MOVE, chance.random())
    tab.keyboard.type(text)
    return text


def test_all_ends_equal_and_every_character_is_there(
    tab_of: OpenTab, stack: Demo, second_web: tuple[str, int], outage: int
) -> None:
    letters, chance = Letters(), random.Random(11)
    token = stack.manage("create_token", "ben", "--scope", "write", "--name", "minute").strip()
    with cable_to(stack.address) as first, cable_to(second_web[0]) as second:
        ada, ben = tab_of("ada", base_url=first.address), tab_of("ben", base_url=second.address)
        for tab in (ada, ben):
            open_editor(tab, outage)
            tab.locator(TEXT).focus()
        program = Program(stack.address, token, outage, letters)
        program.start()
        typed = _minute([ada, ben], [first, second], chance, letters, stack, second_web[1])
        program.stopping.set()
        program.join(30)
        program.api.close()
        for tab in (ada, ben):
            saved(tab)
        wait_for(lambda: text_of(ada) == text_of(ben), "both windows show the same")
        for tab in (ada, ben):
            tab.reload()
            joined(tab)
        text = text_of(ada)
        assert text == text_of(ben)
        everything = typed + program.typed
        assert len(everything) > 3 * SECONDS
        assert [letter for letter in everything if text.count(letter) != 1] == []


def _minute(
    tabs: list[Page], cables: list[Cable], chance: random.Random, letters: Letters, stack: Demo, victim: int
) -> str:
    """Types until the time is over; at a quarter Ada's cable is pulled for a while, at the half Ben's process dies."""
    began, typed = time.monotonic(), ""
    port = int(stack.address.rsplit(":", 1)[1])
    plan = [
        (SECONDS * 0.25, cables[0].pull),
        (SECONDS * 0.25 + OFFLINE, lambda: cables[0].plug_into(port)),
        (SECONDS * 0.5, lambda: os.killpg(victim, 9)),
        (SECONDS * 0.5 + 2, lambda: cables[1].plug_into(port)),
    ]
    while (passed := time.monotonic() - began) < SECONDS:
        while plan and plan[0][0] <= passed:
            plan.pop(0)[1]()
        typed += type_somewhere(chance.choice(tabs), chance, letters)
        time.sleep(chance.uniform(0.02, 0.15))
    assert not plan
    return typed
