"""Fifty random runs: people type on two web processes, a program writes through the API, one process dies, one person
is offline for a while. In the end all see the same, every character is there once, and it is in the database.

Each typed character is one that nobody else types, so that a lost, doubled or overwritten one is seen.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from accounts.models import Role
from incidents.models import Edit, PostMortem
from incidents.writing import documents
from tests import database, running
from tests.builders import NOW, make_incident, make_person, make_postmortem, make_token
from tests.incidents.writing.editors import Editor, session_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
# As many as a run of everything has time for; WRITING_RUNS=50 asks for more.
RUNS = int(os.environ.get("WRITING_RUNS", "12"))
SEED = int(os.environ.get("WRITING_SEED", "1"))
KEYS = 30
START = "## Summary\n\nCheckout failed.\n\n## Impact\n\nNobody paid.\n\n## Detection\n\nAn alert.\n"


class Letters:
    """Characters that stand nowhere else, of one to four bytes in UTF-8 and one or two in UTF-16."""

    def __init__(self) -> None:
        self.given = 0

    def next(self) -> str:
        self.given += 1
        base = 0x4E00 if self.given % 3 else 0x20000
        return chr(base + self.given)


class Webs:
    """Two web processes that answer; one that was killed is replaced by the next."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        self.running: list[tuple[Any, str]] = []
        for _ in range(2):
            self.start()

    def start(self) -> None:
        self.count += 1
        web = running.web(environment=database.environment(), log=self.folder / f"web-{self.count}.log")
        self.running.append((web, web.__enter__()))

    def kill_first(self) -> None:
        web, _ = self.running.pop(0)
        web.__exit__(None, None, None)

    @property
    def addresses(self) -> list[str]:
        return [address for _, address in self.running]

    def stop(self) -> None:
        while self.running:
            self.kill_first()


@pytest.fixture
def web_pair(committed: None, tmp_path: Path) -> Iterator[Webs]:
    webs = Webs(tmp_path)
    yield webs
    webs.stop()


class Writer:
    """A person with an editor: types, sometimes goes offline, comes back wherever somebody answers."""

    def __init__(self, editor: Editor, webs: Webs, chance: random.Random, letters: Letters) -> None:
        self.editor, self.webs, self.chance, self.letters = editor, webs, chance, letters
        self.typed: list[str] = []

    async def keep_online(self, stop: asyncio.Event, offline: asyncio.Event) -> None:
        while not stop.is_set():
            if offline.is_set():
                self.editor.cut()
            elif self.editor.socket is None:
                turn = self.webs.addresses
                self.chance.shuffle(turn)
                await self.editor.open_patiently(turn)
                await self.editor.push()
            await asyncio.sleep(0.02)

    async def type(self) -> None:
        for _ in range(KEYS):
            letter = self.letters.next()
            self.typed.append(letter)
            await self.editor.type(self.chance.randint(0, len(self.editor.text())), letter)
            await asyncio.sleep(self.chance.uniform(0, 0.02))


class Program:
    """Writes whole lines through the API, each based on the version it has read; what is refused it reads anew."""

    def __init__(self, token: str, postmortem_id: int, webs: Webs, chance: random.Random, letters: Letters) -> None:
        self.path, self.webs, self.chance, self.letters = f"/api/v1/postmortems/{postmortem_id}/", webs, chance, letters
        self.headers = {"Authorization": f"Bearer {token}"}
        self.typed: list[str] = []
        self.merged = self.refused = 0

    async def write(self, lines: int) -> None:
        async with httpx.AsyncClient(headers=self.headers, trust_env=False, timeout=10) as client:
            for _ in range(lines):
                letter = self.letters.next()
                while not await self._written(client, letter):
                    await asyncio.sleep(0.02)
                self.typed.append(letter)
                await asyncio.sleep(self.chance.uniform(0, 0.1))

    async def _written(self, client: httpx.AsyncClient, letter: str) -> bool:
        """True once it stands. A process that dies in the middle leaves that open: then the text tells."""
        url = self.webs.addresses[-1] + self.path
        try:
            seen = await client.get(url)
            body = seen.json()["body"]
            if letter in body:
                return True
            lines = body.split("\n")
            lines.insert(self.chance.randint(0, len(lines)), letter)
            await asyncio.sleep(self.chance.uniform(0, 0.08))
            headers = {"If-Match": seen.headers["ETag"]}
            answer = await client.patch(url, json={"body": "\n".join(lines)}, headers=headers)
        except httpx.TransportError:
            return False
        assert answer.status_code in {200, 412}, answer.text
        self.merged += answer.status_code == 200 and answer.json()["body"] != "\n".join(lines)
        self.refused += answer.status_code == 412
        return answer.status_code == 200


async def one_run(webs: Webs, chance: random.Random, postmortem_id: int, number: int, guid: str, cast: Any) -> Program:
    letters = Letters()
    writers = [Writer(Editor(cast[name], number, guid), webs, chance, letters) for name in ("ada", "ben", "cleo")]
    program = Program(cast["token"], postmortem_id, webs, chance, letters)
    stop = asyncio.Event()
    offline = [asyncio.Event() for _ in writers]
    for place, writer in enumerate(writers):
        await writer.editor.open_patiently([webs.addresses[place % 2]])
    lines = [asyncio.create_task(w.keep_online(stop, off)) for w, off in zip(writers, offline, strict=True)]

    async def trouble() -> None:
        away = chance.choice(offline)
        await asyncio.sleep(chance.uniform(0, 0.2))
        away.set()
        await asyncio.sleep(chance.uniform(0, 0.2))
        webs.kill_first()
        await asyncio.sleep(chance.uniform(0, 0.2))
        away.clear()

    await asyncio.gather(trouble(), program.write(4), *(writer.type() for writer in writers))
    async with asyncio.timeout(30):
        while any(w.editor.stored < w.editor.made or w.editor.socket is None for w in writers):
            await asyncio.sleep(0.01)
        while len({w.editor.text() for w in writers}) > 1:
            await asyncio.sleep(0.01)
    version = await writers[0].editor.settled()
    stop.set()
    await asyncio.gather(*lines)
    fresh = Editor(cast["ada"], number, guid)
    await fresh.open_patiently(webs.addresses)
    texts = {w.editor.text() for w in writers} | {fresh.text()}
    for one in (*writers, fresh):
        await getattr(one, "editor", one).close()
    assert len(texts) == 1
    text = texts.pop()
    for letter in [*program.typed, *(letter for writer in writers for letter in writer.typed)]:
        assert text.count(letter) == 1, f"{letter!r} stands there {text.count(letter)} times"
    assert len(text) >= len(START) + letters.given
    assert version > 0
    return program


def test_random_runs_end_equal_with_every_character(web_pair: Webs) -> None:
    cast: dict[str, Any] = {name: session_of(make_person(name, role=Role.RESPONDER)) for name in ("ada", "ben", "cleo")}
    cast["token"] = make_token(make_person("ben"), "write")
    merged = 0
    for run in range(RUNS):
        chance = random.Random(SEED * 1_000 + run)
        incident = make_incident(title=f"Run {run} of seed {SEED}")
        postmortem = make_postmortem(incident)
        documents.rewrite(postmortem_id=postmortem.pk, body=START, by=None, via="draft", now=NOW)
        guid = str(documents.open_document(postmortem.pk, NOW).guid)
        merged += asyncio.run(one_run(web_pair, chance, postmortem.pk, incident.number, guid, cast)).merged
        row = PostMortem.objects.get(pk=postmortem.pk)
        begun = Edit.objects.filter(postmortem=row, via="draft").last()
        assert begun is not None
        assert documents.text_at(row, begun.version) == (row.title, START)
        web_pair.start()
    # Without a merge the runs would have been too tame to show anything.
    assert merged > 0
