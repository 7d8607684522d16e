"""Two people, two web processes, one text."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from incidents.models import Edit, PostMortem, SharedUpdate
from incidents.writing import documents, protocol
from tests.builders import NOW
from tests.running import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def body() -> str:
    return PostMortem.objects.get().body


def test_what_one_types_reaches_the_other_on_another_process_and_the_row(webs: Any, editor: Any) -> None:
    first, second = webs(2)
    ada, ben = editor("ada"), editor("ben")

    async def write() -> None:
        await ada.open(first)
        await ben.open(second)
        await asyncio.wait_for(asyncio.gather(ada.synced.wait(), ben.synced.wait()), 5)
        assert ada.text() == ben.text() == "## Summary\n\nCheckout failed.\n\n## Impact\n\nNobody paid.\n"
        await ada.type(12, "Ada says: ")
        await ben.type(len(ben.text()), "Ben says 😀.\n")
        await asyncio.gather(ada.stored_all(), ben.stored_all())
        async with asyncio.timeout(5):
            while ada.text() != ben.text() or "Ben" not in ada.text():
                await asyncio.sleep(0.01)
        await ada.close()
        await ben.close()

    asyncio.run(write())
    expected = "## Summary\n\nAda says: Checkout failed.\n\n## Impact\n\nNobody paid.\nBen says 😀.\n"
    assert ada.text() == expected
    wait_for(lambda: body() == expected, "the text in the row")
    kept = set(Edit.objects.filter(via="page").values_list("author__username", "inserted"))
    assert kept == {("ada", "Ada says: "), ("ben", "Ben says 😀.\n")}
    assert PostMortem.objects.get().edited_by is not None


def test_a_write_of_another_hand_reaches_open_editors(webs: Any, editor: Any, postmortem: PostMortem) -> None:
    ada = editor("ada")

    async def write() -> None:
        await ada.open(webs()[0])
        await asyncio.wait_for(ada.synced.wait(), 5)
        await asyncio.to_thread(_rewritten, postmortem)
        async with asyncio.timeout(5):
            while "Nobody could pay." not in ada.text():
                await asyncio.sleep(0.01)
        await ada.close()

    asyncio.run(write())
    assert ada.text() == body()


def _rewritten(postmortem: PostMortem) -> None:
    from django.db import connection

    text = body().replace("Nobody paid.", "Nobody could pay.")
    documents.rewrite(postmortem_id=postmortem.pk, body=text, by=None, via="api", now=NOW)
    connection.close()


def test_updates_are_folded_and_a_fresh_editor_gets_the_same_text(webs: Any, editor: Any) -> None:
    address = webs()[0]
    ada, ben = editor("ada"), editor("ben")

    async def write() -> None:
        await ada.open(address)
        await asyncio.wait_for(ada.synced.wait(), 5)
        for number in range(300):
            await ada.type(0, f"{number} ")
            await ada.stored_all()
        await ada.settled()
        await ada.close()
        await ben.open(address)
        await asyncio.wait_for(ben.synced.wait(), 5)
        await ben.close()

    asyncio.run(write())
    assert ben.text() == ada.text() == body()
    assert SharedUpdate.objects.count() < 300


def test_who_comes_back_with_more_than_was_sent_and_types_at_once_stays(webs: Any, editor: Any) -> None:
    """A browser sends what is typed as soon as the line is there, before it has said what it typed offline."""
    address = webs()[0]
    ada = editor("ada")

    async def write() -> None:
        await ada.open(address)
        await asyncio.wait_for(ada.synced.wait(), 5)
        ada.cut()
        await ada.type(0, "in a tunnel ")
        await ada.type(0, "still ")
        last = ada._outbox[-1]
        await ada.open(address)
        await ada.send(protocol.sync(protocol.UPDATE, last))
        await asyncio.wait_for(ada.synced.wait(), 5)
        await ada.stored_all()
        await ada.settled()
        assert ada.socket is not None
        await ada.close()

    asyncio.run(write())
    assert body().startswith("still in a tunnel ## Summary")


def test_a_title_that_is_far_too_long_is_refused(webs: Any, editor: Any, postmortem: PostMortem) -> None:
    mallory = editor("ben")

    async def write() -> None:
        await mallory.open(webs()[0])
        await asyncio.wait_for(mallory.synced.wait(), 5)
        mallory.title += "x" * 2_000
        await mallory.push()
        async with asyncio.timeout(5):
            while mallory.socket is not None:
                await asyncio.sleep(0.01)

    asyncio.run(write())
    assert mallory.closed_with == 4400
    assert PostMortem.objects.get().title == postmortem.title
