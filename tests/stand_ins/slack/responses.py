"""response_url: where the app answers later what a person asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.stand_ins.server import Asked, Reply
from tests.stand_ins.slack.chat import bot_message, with_block_ids
from tests.stand_ins.slack.limits import check_message
from tests.stand_ins.slack.refusals import Refused
from tests.stand_ins.slack.shapes import shown_message
from tests.stand_ins.slack.workspace import Channel, Ephemeral, Message, ResponseAddress

if TYPE_CHECKING:
    from tests.stand_ins.slack.slack import SlackStandIn

MOST_USES = 5
LIFETIME = 30 * 60


def answer_response(slack: SlackStandIn, asked: Asked) -> Reply:
    with slack.workspace.lock:
        address = slack.workspace.addresses.get(asked.path.rsplit("/", 1)[1])
        if address is None:
            return Reply(404, b"no_service", "text/plain")
        if slack.workspace.clock() - address.issued_at > LIFETIME:
            return Reply.of_json({"ok": False, "error": "expired_url"}, 404)
        if len(address.received) >= MOST_USES:
            return Reply.of_json({"ok": False, "error": "used_url"}, 404)
        try:
            said = asked.json()
            check_message(said.get("text"), said.get("blocks"))
            if not said.get("delete_original") and not said.get("text") and not said.get("blocks"):
                return Reply(400, b"no_text", "text/plain")
        except ValueError:
            return Reply(400, b"invalid_payload", "text/plain")
        except Refused as refused:
            return Reply(400, refused.error.encode(), "text/plain")
        address.received.append(said)
        take_response(slack, address, said)
        return Reply(200, b"ok", "text/plain")


def take_response(slack: SlackStandIn, address: ResponseAddress, said: dict[str, Any]) -> None:
    """Shows it where it belongs: in place of the message that was pressed, to all, or to one person."""
    channel = slack.workspace.channels.get(address.channel)
    if channel is None:
        return
    if address.ts and (said.get("replace_original") or said.get("delete_original")):
        _change(slack, channel, address, said)
        return
    ts = slack.workspace.next_ts()
    message = bot_message(slack.workspace, _content(slack, said), ts)
    if said.get("thread_ts"):
        message["thread_ts"] = said["thread_ts"]
    if said.get("response_type") == "in_channel":
        channel.messages[ts] = message
        slack.occurred.said(channel, message)
    else:
        slack.workspace.ephemerals.append(Ephemeral(address.user, channel.id, ts, message))


def _content(slack: SlackStandIn, said: dict[str, Any]) -> dict[str, Any]:
    blocks = {"blocks": with_block_ids(slack.workspace, said["blocks"])} if said.get("blocks") else {}
    return {"text": said.get("text") or "", **blocks}


def _change(slack: SlackStandIn, channel: Channel, address: ResponseAddress, said: dict[str, Any]) -> None:
    ephemerals = slack.workspace.ephemerals
    for one in [one for one in ephemerals if one.ts == address.ts]:
        if said.get("delete_original"):
            ephemerals.remove(one)
        else:
            one.message = {**one.message, **_content(slack, said)}
        return
    message = channel.messages.get(address.ts)
    if message is not None:
        _change_public(slack, channel, message, said)


def _change_public(slack: SlackStandIn, channel: Channel, message: Message, said: dict[str, Any]) -> None:
    before = shown_message(channel, message)
    if said.get("delete_original"):
        del channel.messages[message["ts"]]
        slack.occurred.deleted(channel, before)
        return
    message.pop("blocks", None)
    message.update(_content(slack, said))
    slack.occurred.edited(channel, before, message)
