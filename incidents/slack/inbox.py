"""What Slack sent, written down before it is acknowledged; the same thing a second time has no effect."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db import connection, transaction

from incidents.models.delivery import UNFINISHED, QueuedState
from incidents.slack.models import SlackMessage, SlackRequest
from telemetry.redaction import storable_value

KEPT = timedelta(days=7)
# By name: tasks stand above.
WORK = "incidents.slack.tasks.work_lane"
log = logging.getLogger(__name__)
INSERT = (
    "INSERT INTO slack_slackrequest (key, kind, lane, payload, state, attempts, due_at, problem, created_at, finished_at)"
    " VALUES (%s, %s, %s, %s, %s, 0, %s, '', %s, %s) ON CONFLICT (key) DO NOTHING RETURNING id"
)


def keep(*, kind: str, key: str, lane: str, payload: dict[str, Any], now: datetime) -> int | None:
    """Its id, or None where it was there already. Once this returns, it will be worked on."""
    found = _insert(kind, key, lane[:120], payload, QueuedState.WAITING, now)
    if found is not None:
        ask(lane[:120])
    return found


def claim(*, kind: str, key: str, now: datetime) -> bool:
    """For what is answered at once and leaves nothing to do: True the first time alone."""
    return _insert(kind, key, "", {}, QueuedState.DONE, now) is not None


def ask(lane: str) -> None:
    """A broker that is down loses nothing: the sweep asks again."""
    try:
        current_app.send_task(WORK, [lane])
    except Exception as problem:
        log.warning("the broker did not take lane %s (%s); the sweep will", lane, type(problem).__name__)


def finish(request: SlackRequest, deed: Callable[[], None]) -> None:
    """Its effect and its end are one: a worker that dies between leaves neither."""
    with transaction.atomic():
        deed()
        # What people wrote elsewhere is not kept longer than it is needed.
        SlackRequest.objects.filter(pk=request.pk).update(state=QueuedState.DONE, payload={})


def prune(now: datetime) -> int:
    """Also what was remembered of messages that came onto no timeline, unless their channel is being worked on."""
    before = now - KEPT
    bare = SlackMessage.objects.filter(entry=None, reasons=[], ts__lt=str(int(before.timestamp())))
    # Its `ts` says when it was written; `version` and `deleted_at` when something was last heard of it.
    bare = bare.filter(version__lt=str(int(before.timestamp()))).exclude(deleted_at__gte=before)
    lanes = SlackRequest.objects.filter(state__in=UNFINISHED).values_list("lane", flat=True).distinct()
    busy = [lane.removeprefix("channel:") for lane in lanes]
    gone = bare.exclude(channel_id__in=busy).delete()[0]
    return gone + SlackRequest.objects.filter(created_at__lt=before).delete()[0]


def _insert(kind: str, key: str, lane: str, payload: dict[str, Any], state: str, now: datetime) -> int | None:
    finished = now if state == QueuedState.DONE else None
    # jsonb takes neither NUL nor half of a surrogate pair.
    text = json.dumps(storable_value(payload))
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [key[:200], kind, lane, text, state, now, now, finished])
        row = cursor.fetchone()
    return int(row[0]) if row else None
