"""A file asked for on a page and made by a real worker."""

from __future__ import annotations

import pytest
from django.test import Client

from knowledge.models import Export
from knowledge.tasks.exporting import sweep_exports
from tests import running
from tests.builders import NOW, make_brownbag, make_lesson, make_person
from tests.fixtures import signed_in

pytestmark = pytest.mark.xdist_group("worker")


def test_a_worker_makes_what_was_asked_for_and_what_the_broker_lost(committed: None, worker: None) -> None:
    session = make_brownbag(items=[{"lesson": make_lesson(context="Ask the process.")}])
    client: Client = signed_in(make_person("cy"))
    asked = client.post(f"/exports/new/brownbag/{session.pk}/pdf/")
    lost = Export.objects.create(
        subject="brownbag", ref=session.pk, format="page", title="x", person=make_person("cy"), requested_at=NOW
    )
    sweep_exports()
    done = Export.objects.filter(state=Export.State.DONE)
    running.wait_for(lambda: done.count() == 2, "the files")
    assert client.get(f"{asked['Location']}file/").content.startswith(b"%PDF")
    assert client.get(f"/exports/{lost.pk}/file/").content.startswith(b"<!doctype html>")
