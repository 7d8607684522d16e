"""The HTTP side: /api/<method>, response addresses and files, as slack.com and its siblings answer."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.stand_ins.server import Asked, CutOff, Reply
from tests.stand_ins.slack import chat, conversations, directory, marks, views  # noqa: F401  (each registers its methods)
from tests.stand_ins.slack.methods import METHODS, Asking, perform
from tests.stand_ins.slack.refusals import Refused

if TYPE_CHECKING:
    from tests.stand_ins.slack.slack import SlackStandIn

LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in to Stand-in</body></html>"


@dataclass
class Call:
    """One call of the Web API; `error` is empty when it was done, `seconds` how long it took here."""

    method: str
    arguments: dict[str, Any]
    status: int
    error: str
    at: float
    seconds: float


def answer_call(slack: SlackStandIn, name: str, asked: Asked) -> Reply:
    started = time.perf_counter()
    arguments: dict[str, Any] = {}
    reply = Reply(500)
    error = ""
    try:
        slack.trouble.wait(name)
        arguments, token = _arguments(name, asked)
        reply = _answered(slack, name, arguments, token)
        error = json.loads(reply.body).get("error", "") if reply.body[:1] == b"{" else str(reply.status)
        return reply
    except CutOff:
        error = "answer lost"
        raise
    finally:
        call = Call(name, arguments, reply.status, error, slack.workspace.clock(), time.perf_counter() - started)
        slack.calls.append(call)


def _answered(slack: SlackStandIn, name: str, arguments: dict[str, Any], token: str) -> Reply:
    with slack.workspace.lock:
        instead = slack.trouble.before(name)
        if instead is not None:
            return instead
        try:
            _check_token(slack, name, token)
            reply = Reply.of_json({"ok": True, **perform(Asking(slack, name, arguments))})
        except Refused as refused:
            return Reply.of_json(refused.body())
        slack.trouble.after(name)
    granted = "connections:write" if token == slack.workspace.app_token else ",".join(sorted(slack.workspace.scopes))
    reply.headers["X-OAuth-Scopes"] = granted
    if name in METHODS and METHODS[name].scope:
        reply.headers["X-Accepted-OAuth-Scopes"] = METHODS[name].scope
    return reply


def _arguments(name: str, asked: Asked) -> tuple[dict[str, Any], str]:
    """What was sent, as JSON or as a form, and the token from the header or the form."""
    fields: dict[str, Any] = dict(asked.query)
    kind = asked.headers.get("content-type", "")
    if kind.startswith("application/json"):
        # Methods that take forms alone overlook a JSON body, token and all.
        takes = name not in METHODS or METHODS[name].takes_json
        fields |= json.loads(asked.body or b"{}") if takes else {}
    else:
        fields |= asked.form
    header = asked.headers.get("authorization", "")
    token = header.removeprefix("Bearer ") if header.startswith("Bearer ") else fields.get("token", "")
    fields.pop("token", None)
    return fields, token


def _check_token(slack: SlackStandIn, name: str, token: str) -> None:
    if name == "api.test":
        return
    if not token:
        raise Refused("not_authed")
    if token not in {slack.workspace.bot_token, slack.workspace.app_token}:
        raise Refused("invalid_auth")
    if token == slack.workspace.bot_token and slack.workspace.revoked:
        raise Refused("token_revoked")
    if (name == "apps.connections.open") != (token == slack.workspace.app_token) and name != "auth.test":
        raise Refused("not_allowed_token_type")


def answer_file(slack: SlackStandIn, asked: Asked) -> Reply:
    """The file's bytes; without the right token Slack shows its sign-in page, with status 200."""
    file = slack.workspace.files.get(asked.path.split("/")[2].partition("-")[2])
    wanted = f"Bearer {slack.workspace.bot_token}"
    if asked.headers.get("authorization") != wanted or "files:read" not in slack.workspace.scopes:
        return Reply(200, LOGIN_PAGE, "text/html; charset=utf-8")
    if slack.workspace.revoked or file is None or file.deleted:
        return Reply(404, b"<html>not found</html>", "text/html")
    return Reply(200, file.content, file.mimetype)
