"""What Slack calls: `/slack/{commands,interactions,events}`, signed, bounded, answered within three seconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from slack_bolt.adapter.django.handler import to_django_response
from slack_bolt.request import BoltRequest
from slack_sdk.signature import SignatureVerifier

from incidents.slack.app import NotConfigured, app

LARGEST_BODY = 1_048_576
FORM = "application/x-www-form-urlencoded"


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    try:
        raw = request.body
    except RequestDataTooBig:
        raw = b"x" * (LARGEST_BODY + 1)
    if len(raw) > LARGEST_BODY:
        return _refusal(413, f"The body is larger than {LARGEST_BODY // 1024} KiB.")
    if not settings.SLACK_SIGNING_SECRET:
        return _refusal(503, "SLACK_SIGNING_SECRET is not set.")
    if not _is_signed(request, raw):
        return _refusal(401, "The signature does not fit, or the request is older than five minutes.")
    try:
        body = _read(raw.decode(), request.content_type or "")
    except (ValueError, RecursionError) as problem:
        return _refusal(400, f"The body cannot be read: {problem}")
    try:
        bolt = app()
    except NotConfigured:
        return _refusal(503, "SLACK_BOT_TOKEN is not set.")
    headers: dict[str, str | Sequence[str]] = {**request.headers, "Content-Type": "application/json"}
    answer = bolt.dispatch(BoltRequest(body=body, query=request.META["QUERY_STRING"], headers=headers))
    return to_django_response(answer)


def _is_signed(request: HttpRequest, raw: bytes) -> bool:
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 13):
        return False
    signature = request.headers.get("X-Slack-Signature", "")
    try:
        verifier = SignatureVerifier(settings.SLACK_SIGNING_SECRET)
        return bool(signature.isascii() and verifier.is_valid(raw, timestamp, signature))
    except UnicodeDecodeError:
        return False


def _read(body: str, content_type: str) -> str:
    """JSON, whichever way it came; raises ValueError, naming what was expected, for what Bolt would stumble over.

    Bolt takes any form with the word payload anywhere in it for an interaction, which a command may well say.
    """
    if content_type == FORM:
        form = parse_qs(body, keep_blank_values=True, max_num_fields=200)
        if "payload" not in form:
            if "command" not in form and "ssl_check" not in form:
                raise ValueError("expected the field command or payload")
            return json.dumps({name: values[-1] for name, values in form.items()})
        body = form["payload"][0]
    _check(json.loads(body))
    return body


def _check(payload: Any) -> None:
    if not isinstance(payload, dict):
        raise ValueError("expected a JSON object")
    shape = SHAPES.get(str(payload.get("type", "")))
    if shape and not shape(payload):
        raise ValueError(f"expected {payload['type']} as Slack documents it")


def _is_named(value: Any, name: str) -> bool:
    return isinstance(value, dict) and isinstance(value.get(name), str)


def _is_press(payload: dict[str, Any]) -> bool:
    pressed = payload.get("actions")
    return isinstance(pressed, list) and bool(pressed) and all(_is_named(one, "action_id") for one in pressed)


def _is_form(payload: dict[str, Any]) -> bool:
    view = payload.get("view")
    return _is_named(view, "id") and _is_named(view, "type") and _is_named(payload.get("user"), "id")


SHAPES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "block_actions": _is_press,
    "view_submission": _is_form,
    "view_closed": _is_form,
    "event_callback": lambda payload: _is_named(payload.get("event"), "type"),
}


def _refusal(status: int, detail: str) -> HttpResponse:
    return JsonResponse({"error": detail}, status=status)
