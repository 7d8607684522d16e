"""Answers that one person alone sees: by the request's response address, else in the channel, else directly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from incidents.chat import outbox
from incidents.slack import blocks, names

Body = Mapping[str, Any]


def answer(
    body: Body, text: str, *, now: datetime, parts: Sequence[blocks.Block] = (), incident: int | None = None
) -> None:
    """`body` is the request as it came; `text` is mrkdwn, and what stands for `parts` where those cannot be shown."""
    user = body.get("user_id") or (body.get("user") or {}).get("id") or (body.get("event") or {}).get("user") or ""
    content = {
        "response_url": body.get("response_url") or "",
        "channel": channel_of(body),
        "user": user,
        "thread": str((body.get("event") or {}).get("thread_ts") or ""),
        "text": text,
        "blocks": list(parts),
    }
    outbox.enqueue(
        service=names.SERVICE,
        kind="answer",
        lane=f"answer:{content['channel'] or user}",
        now=now,
        content=content,
        incident=incident,
    )


def channel_of(body: Body) -> str:
    channel = body.get("channel_id") or body.get("channel") or (body.get("event") or {}).get("channel") or ""
    return str(channel.get("id", "") if isinstance(channel, Mapping) else channel)
