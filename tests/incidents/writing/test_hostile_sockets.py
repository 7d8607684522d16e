"""What a socket must refuse: nothing of it reaches the text, and those who write go on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.sessions.models import Session as StoredSession
from pycrdt import Doc, Map, Text
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from accounts.models import Role, User
from incidents.models import Incident, PostMortem, SharedUpdate
from incidents.models.postmortem import BODY_LIMIT
from incidents.writing import consumer, documents, protocol
from tests.builders import NOW, make_incident, make_person, make_postmortem
from tests.incidents.writing.editors import Editor, Session, session_of

pytestmark = pytest.mark.django_db(transaction=True)


async def until_closed(editor: Editor, seconds: float = 15) -> int | None:
    async with asyncio.timeout(seconds):
        while editor.socket is not None:
            await asyncio.sleep(0.01)
    return editor.closed_with


def foreign_update(guid: str) -> bytes:
    other: Doc[Any] = Doc()
    text = other.get("another-document", type=Text)
    text += "Not of this text."
    return other.get_update()


def update_out_of_nowhere(guid: str) -> bytes:
    other: Doc[Any] = Doc()
    text = other.get(guid, type=Text)
    text += "first"
    known = other.get_state()
    text += " second, whose beginning nobody sent"
    return other.get_update(known)


def a_map_in_place_of_text(guid: str) -> bytes:
    other: Doc[Any] = Doc()
    map_ = other.get("settings", type=Map)
    map_["a"] = "b"
    return other.get_update()


def an_embedded_object(guid: str) -> bytes:
    other: Doc[Any] = Doc()
    text = other.get(guid, type=Text)
    text.insert_embed(0, {"image": "x"})
    return other.get_update()


def a_carriage_return(guid: str) -> bytes:
    other: Doc[Any] = Doc()
    text = other.get(guid, type=Text)
    text += "one\r\ntwo"
    return other.get_update()


def more_than_fits(guid: str) -> bytes:
    other: Doc[Any] = Doc()
    text = other.get(guid, type=Text)
    text += "x" * BODY_LIMIT
    return other.get_update()


HOSTILE = [
    foreign_update,
    update_out_of_nowhere,
    a_map_in_place_of_text,
    an_embedded_object,
    a_carriage_return,
    more_than_fits,
    lambda guid: b"garbage",
    lambda guid: b"\xff" * 5_000,
]


@pytest.mark.parametrize("update", HOSTILE, ids=lambda one: one.__name__)
def test_what_is_no_edit_of_this_text_ends_its_socket_alone(webs: Any, editor: Any, guid: str, update: Any) -> None:
    address = webs()[0]
    ada, mallory = editor("ada"), editor("ben")

    async def write() -> None:
        for one in (ada, mallory):
            await one.open(address)
            await asyncio.wait_for(one.synced.wait(), 5)
        await ada.type(0, "before ")
        await mallory.send(protocol.sync(protocol.UPDATE, update(guid)))
        assert await until_closed(mallory) == 4400
        await ada.type(0, "after ")
        await ada.stored_all()
        await ada.settled()
        await ada.close()

    asyncio.run(write())
    assert ada.text() == PostMortem.objects.get().body
    assert ada.text().startswith("after before ## Summary")
    assert SharedUpdate.objects.exclude(author__username="ada").count() == 0


@pytest.mark.parametrize(
    "message", [b"", b"\x00", b"\x07abc", b"\x00\x09\x01a", b"\x01\x05abc", b"\xff" * 40], ids=range(6)
)
def test_garbage_ends_the_socket_that_sent_it(webs: Any, editor: Any, message: bytes) -> None:
    mallory = editor("ben")

    async def write() -> None:
        await mallory.open(webs()[0])
        await mallory.send(message)
        assert await until_closed(mallory) == 4400

    asyncio.run(write())


def test_fifty_megabytes_are_refused_in_one_message_and_in_many(webs: Any, editor: Any) -> None:
    address = webs()[0]
    ada, mallory, patient = editor("ada"), editor("ben"), editor("ben")

    async def write() -> None:
        for one in (ada, mallory, patient):
            await one.open(address)
            await asyncio.wait_for(one.synced.wait(), 5)
        await mallory.send(b"\x00\x02" + b"x" * 50_000_000)
        assert await until_closed(mallory) == 1009
        chunk = protocol.sync(protocol.STEP1, b"\x00" + b"\x00" * 1_000_000)
        for _ in range(50):
            if patient.socket is None:
                break
            await patient.send(chunk)
        assert await until_closed(patient) in {4529, 4400}
        await ada.type(0, "still here ")
        await ada.stored_all()
        await ada.close()

    asyncio.run(write())


def test_a_viewer_is_not_let_in_and_nothing_changes(webs: Any, editor: Any, postmortem: PostMortem) -> None:
    cy = editor("cy")

    async def write() -> None:
        await cy.open(webs()[0])
        cy.synced.set()
        await cy.type(0, "defaced ")
        assert await until_closed(cy) == 4403

    asyncio.run(write())
    assert PostMortem.objects.get().body == postmortem.body
    assert not SharedUpdate.objects.exists()


@pytest.mark.parametrize(("who", "code"), [("nobody", 4401), ("stranger", 4404)])
def test_who_is_not_signed_in_or_may_not_see_it_hears_so(webs: Any, who: str, code: int, sessions: Any) -> None:
    incident = make_incident(visibility=Incident.Visibility.RESTRICTED) if hasattr(Incident, "Visibility") else None
    restricted = make_postmortem(incident or make_incident(visibility="restricted"))
    guid = str(documents.open_document(restricted.pk, NOW).guid)
    session = Session({}) if who == "nobody" else session_of(make_person("mallory", role=Role.RESPONDER))
    stranger = Editor(session, restricted.incident.number, guid)

    async def write() -> None:
        await stranger.open(webs()[0])
        assert await until_closed(stranger) == code

    asyncio.run(write())


def test_a_page_of_another_site_gets_no_socket(webs: Any, sessions: Any, postmortem: PostMortem) -> None:
    address = webs()[0]
    url = f"{address.replace('http', 'ws', 1)}/incidents/{postmortem.incident.number}/postmortem/socket/"

    async def write() -> None:
        headers = {"Cookie": sessions["ada"].header}
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers=headers, origin="https://evil.example", proxy=None)
        assert refused.value.response.status_code == 403

    asyncio.run(write())


@pytest.mark.parametrize(("deed", "code"), [("signs out", 4401), ("loses the role", 4403)])
def test_who_may_no_longer_write_is_sent_away_with_the_text_kept(webs: Any, editor: Any, deed: str, code: int) -> None:
    ada = editor("ada")

    def end() -> None:
        from django.db import connection

        if deed == "signs out":
            StoredSession.objects.filter(pk=ada.session.cookies["sessionid"]).delete()
        else:
            User.objects.filter(username="ada").update(role=Role.VIEWER)
        connection.close()

    async def write() -> None:
        await ada.open(webs()[0])
        await asyncio.wait_for(ada.synced.wait(), 5)
        await ada.type(0, "kept ")
        await ada.stored_all()
        await asyncio.to_thread(end)
        assert await until_closed(ada, consumer.CHECK_EVERY + 5) == code

    asyncio.run(write())
    assert ada.text().startswith("kept ")


def test_a_presence_that_no_browser_could_read_ends_its_socket(webs: Any, editor: Any) -> None:
    mallory = editor("ben")

    async def write() -> None:
        await mallory.open(webs()[0])
        await asyncio.wait_for(mallory.synced.wait(), 5)
        await mallory.say_where({"cursor": {"anchor": float("nan")}})
        assert await until_closed(mallory) == 4400

    asyncio.run(write())


def test_presence_carries_the_true_name_whatever_a_browser_claims(webs: Any, editor: Any) -> None:
    first, second = webs(2)
    ada, ben = editor("ada"), editor("ben")

    async def write() -> None:
        for one, address in ((ada, first), (ben, second)):
            await one.open(address)
            await asyncio.wait_for(one.synced.wait(), 5)
        await ben.say_where({"user": {"name": "<b>The boss</b>"}, "cursor": {"anchor": 1}, "more": "x" * 900})
        async with asyncio.timeout(5):
            while ben.doc.client_id not in ada.present:
                await asyncio.sleep(0.01)
        assert ada.present[ben.doc.client_id]["user"]["name"] == "Ben Lindqvist"
        assert set(ada.present[ben.doc.client_id]) == {"user", "cursor"}
        await ben.close()
        async with asyncio.timeout(5):
            while ada.present[ben.doc.client_id] is not None:
                await asyncio.sleep(0.01)
        await ada.close()

    asyncio.run(write())
