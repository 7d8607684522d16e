"""A post-mortem, web processes on the test database, and editors of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from incidents.models import PostMortem
from incidents.writing import documents
from tests import database, running
from tests.builders import NOW, make_person, make_postmortem
from tests.incidents.writing.editors import Editor, Session, session_of


@pytest.fixture
def postmortem(committed: None) -> PostMortem:
    text = "## Summary\n\nCheckout failed.\n\n## Impact\n\nNobody paid.\n"
    return documents.rewrite(postmortem_id=make_postmortem().pk, body=text, by=None, via="draft", now=NOW)


@pytest.fixture
def guid(postmortem: PostMortem) -> str:
    return str(documents.open_document(postmortem.pk, NOW).guid)


@pytest.fixture
def sessions(committed: None) -> dict[str, Session]:
    return {name: session_of(make_person(name)) for name in ("ada", "ben", "cy")}


@pytest.fixture
def webs(committed: None, tmp_path: Path) -> Iterator[Any]:
    """`webs(2)`: the addresses of so many web processes."""
    with ExitStack() as stack:

        def start(count: int = 1, **environment: str) -> list[str]:
            given = database.environment(**environment)
            return [
                stack.enter_context(running.web(environment=given, log=tmp_path / f"web-{number}.log"))
                for number in range(count)
            ]

        yield start


@pytest.fixture
def editor(postmortem: PostMortem, guid: str, sessions: dict[str, Session]) -> Any:
    def make(name: str = "ada") -> Editor:
        return Editor(sessions[name], postmortem.incident.number, guid)

    return make
