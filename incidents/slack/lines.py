"""A captured message on the timeline: its row, its line, its files' rows. Asks nobody; inside a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from incidents.actions.timeline import put_message
from incidents.chat import outbox
from incidents.models import Incident, TimelineEntry
from incidents.models.incident import Visibility
from incidents.slack import belongings, mrkdwn, names
from incidents.slack.models import TEXT_LIMIT, SlackChannel, SlackFile, SlackMessage
from incidents.slack.naming_people import Cast
from incidents.slack.people import workspace
from incidents.slack.settings import chosen
from telemetry.redaction import redact_text, storable

FETCHING = "is being fetched"
DELETED = "was deleted in Slack"
TOMBSTONE = "tombstone"
SAID = "Slack"
THREAD = "thread"
# The app's own mark on what it has taken over.
SEEN = "eyes"
ANSWERED = 80


def row_of(incident: Incident, channel: str, ts: str) -> SlackMessage:
    """Held until the transaction ends."""
    row, _ = SlackMessage.objects.get_or_create(channel_id=channel, ts=ts, defaults={"incident": incident, "text": ""})
    return SlackMessage.objects.select_for_update().get(pk=row.pk)


def moment(ts: str) -> datetime:
    """Raises ValueError for what is no `ts`."""
    seconds, _, fraction = ts.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int((fraction + "000000")[:6]))


def version_of(message: Mapping[str, Any]) -> str:
    return str((message.get("edited") or {}).get("ts") or "")[:30]


def is_newer(version: str, than: str) -> bool:
    return order(version) > order(than)


def order(version: str) -> tuple[int, int]:
    seconds, _, fraction = version.partition(".")
    return (int(seconds), int(fraction or 0)) if seconds.isdigit() and (fraction or "0").isdigit() else (0, 0)


def add(row: SlackMessage, reason: str) -> bool:
    """Whether it is the first, so that the line is shown from now on."""
    was_without = not row.reasons
    if reason not in row.reasons:
        row.reasons = [*row.reasons, reason[:160]]
    return was_without


def remove(row: SlackMessage, reasons: set[str]) -> bool:
    """Whether none is left, so that the line is hidden."""
    before = row.reasons
    row.reasons = [one for one in before if one not in reasons]
    return bool(before) and not row.reasons


def take(row: SlackMessage, message: Mapping[str, Any], cast: Cast) -> None:
    """What the message says now."""
    text = mrkdwn.of_message(_as_may_be_read(message, row.incident), cast.name)
    links = [file for file in _files(message) if file.get("mode") == "external" or file.get("is_external")]
    for file in links:
        shown = f"<{file.get('url_private') or file.get('external_url') or ''}|{file.get('title') or 'a file'}>"
        shown = redact_text(storable(shown)).text
        text = f"{text}\n\n{mrkdwn.to_markdown(shown)}".strip()
    row.text = redact_text(storable(text)).text[: 2 * TEXT_LIMIT]
    row.version = version_of(message)
    row.author = cast.author
    thread = str(message.get("thread_ts") or "")
    row.thread_ts = thread if thread != row.ts else ""
    _take_files(row, message)


def _as_may_be_read(message: Mapping[str, Any], incident: Incident) -> Mapping[str, Any]:
    """Forwarded from the channel of a restricted incident only that it was: others read this timeline than sit there."""
    cards = message.get("attachments")
    cards = [one for one in cards if isinstance(one, Mapping)] if isinstance(cards, list) else []
    channels = {str(one.get("channel_id") or "") for one in cards if one.get("is_share")} - {""}
    if not channels:
        return message
    rows = SlackChannel.objects.filter(channel_id__in=channels, incident__visibility=Visibility.RESTRICTED)
    closed = set(rows.exclude(incident=incident).values_list("channel_id", flat=True))
    bare = ("is_share", "from_url", "channel_id")
    shown = [
        {name: card[name] for name in bare if name in card} if card.get("channel_id") in closed else card
        for card in cards
    ]
    return {**message, "attachments": shown}


def _files(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = message.get("files")
    return [one for one in found if isinstance(one, Mapping) and one.get("id")] if isinstance(found, list) else []


def _take_files(row: SlackMessage, message: Mapping[str, Any]) -> None:
    """New ones are fetched by the outbox; one that was deleted in Slack leaves a tombstone or is named no more."""
    row.save()
    wanted = []
    told = {str(file["id"])[:30]: file for file in _files(message)}
    for slack_id, file in list(told.items())[:20]:
        if file.get("mode") == "external" or file.get("is_external"):
            continue
        name = redact_text(storable(str(file.get("name") or file.get("title") or "file"))).text[:200]
        reason = DELETED if file.get("mode") == TOMBSTONE else FETCHING
        _, is_new = SlackFile.objects.get_or_create(
            message=row, slack_id=slack_id, defaults={"name": name, "reason": reason}
        )
        if is_new and reason == FETCHING:
            wanted.append(_told(file))
    for known in row.files.select_related("picture__created_by", "attachment").exclude(reason=DELETED):
        if told.get(known.slack_id, {"mode": TOMBSTONE}).get("mode") == TOMBSTONE:
            _lose(known)
    if wanted:
        outbox.enqueue(
            service=names.SERVICE,
            kind="files",
            # One that cannot be had keeps no other message waiting.
            lane=f"files:{row.pk}",
            incident=row.incident_id,
            now=timezone.now(),
            content={"message": row.pk, "files": wanted},
        )


def _lose(file: SlackFile) -> None:
    """By the policy for texts, what was stored of it stays or goes."""
    picture, attachment = file.picture, file.attachment
    file.reason = DELETED
    if chosen().on_deleted != "drop":
        file.save(update_fields=["reason"])
        return
    file.picture = file.attachment = None
    file.save(update_fields=["reason", "picture", "attachment"])
    belongings.discard(picture=picture, attachment=attachment)


def _told(file: Mapping[str, Any]) -> dict[str, Any]:
    fields = ("id", "size", "mimetype", "mode", "file_access", "url_private_download", "url_private")
    return {name: file[name] for name in fields if name in file}


def show(
    row: SlackMessage, *, title: str = "", user: Any = None, hidden: bool | None = None, earlier: int | None = None
) -> None:
    """Writes the line, or brings it up to date. `title` empty leaves who it was, `earlier` None how many answers were
    left in Slack."""
    entry = row.entry
    detail: dict[str, Any] = {"service": names.SERVICE, "link": permalink(row), "files": files_of(row)}
    if row.version:
        detail["edited"] = True
    if row.deleted_at:
        detail["deleted"] = SAID
    if answered := _answered(row):
        detail[THREAD] = answered
    if left := entry.detail.get("earlier") if earlier is None and entry is not None else earlier:
        detail["earlier"] = left
    row.entry = put_message(
        incident=row.incident,
        key=f"slack:{row.channel_id}:{row.ts}",
        occurred_at=min(moment(row.ts), timezone.now()),
        title=title or (entry.title if entry else ""),
        text=row.text,
        actor=user if title or entry is None else entry.actor,
        now=timezone.now(),
        detail=detail,
        hidden=hidden,
    )
    row.save()


def move(row: SlackMessage, at: datetime) -> None:
    """To the time that somebody chose."""
    entry = row.entry
    if entry is not None:
        entry.occurred_at, entry.detail = at, entry.detail | {"moved": True}
        entry.save(update_fields=["occurred_at", "detail", "updated_at"])


def delete(row: SlackMessage, now: datetime) -> None:
    """By the policy its text is kept or dropped; the line says in any case that it was deleted."""
    row.deleted_at = row.deleted_at or now
    if chosen().on_deleted == "drop":
        drop_files(row)
        row.text = ""
    if row.entry is None:
        row.save()
    else:
        show(row)
        tell_answers(row)


def leave(row: SlackMessage) -> None:
    """The timeline that it stood on, with its files: it is to stand on another, as if it were new."""
    drop_files(row)
    entry, row.entry, row.reasons = row.entry, None, []
    row.save()
    if entry is not None:
        entry.delete()


def drop_files(row: SlackMessage) -> None:
    """With what was stored of them, unless somebody else gave the same."""
    for file in row.files.select_related("picture__created_by", "attachment"):
        picture, attachment = file.picture, file.attachment
        file.delete()
        belongings.discard(picture=picture, attachment=attachment)


def files_of(row: SlackMessage) -> list[dict[str, Any]]:
    rows = row.files.select_related("picture__incident", "attachment__incident").order_by("pk")
    return [
        {
            "name": file.name,
            "address": (file.picture or file.attachment).get_absolute_url() if file.picture or file.attachment else "",  # type: ignore[union-attr]
            "is_picture": file.picture_id is not None,
            "reason": file.reason,
        }
        for file in rows.defer("picture__data", "attachment__data")
    ]


def _answered(row: SlackMessage) -> str:
    """Whom and what it answers, in a few words."""
    if not row.thread_ts:
        return ""
    told = {"incident_id": row.incident_id, "channel_id": row.channel_id, "ts": row.thread_ts}
    root = SlackMessage.objects.select_related("entry").filter(**told).first()
    return _in_few_words(root) if root is not None else ""


def _in_few_words(root: SlackMessage) -> str:
    if root.entry is None:
        return ""
    said = redact_text(" ".join(mrkdwn.plain(root.text[:1_000]).split())).text
    return f"{root.entry.title}: {said[:ANSWERED]}{'…' if len(said) > ANSWERED else ''}".rstrip(": ")


def tell_answers(root: SlackMessage) -> None:
    """The lines of its answers say what it says now."""
    words = _in_few_words(root)
    told = {"slack_message__channel_id": root.channel_id, "slack_message__thread_ts": root.ts}
    rows = TimelineEntry.objects.select_for_update(of=("self",)).filter(incident_id=root.incident_id, **told)
    changed = [entry for entry in rows if entry.detail.get(THREAD) != words]
    for entry in changed:
        entry.detail, entry.updated_at = entry.detail | {THREAD: words}, timezone.now()
    TimelineEntry.objects.bulk_update(changed, ["detail", "updated_at"], batch_size=100)


def permalink(row: SlackMessage) -> str:
    """Computed as Slack does, so that nothing is asked for it."""
    found = workspace()
    base = found.url.rstrip("/") if found else ""
    if not base.startswith("https://"):
        return ""
    address = f"{base}/archives/{row.channel_id}/p{row.ts.replace('.', '')}"
    return f"{address}?thread_ts={row.thread_ts}&cid={row.channel_id}" if row.thread_ts else address


def greet(row: SlackMessage, now: datetime) -> None:
    """The app's sign under the message, once: whoever pinned it sees that it was taken over."""
    outbox.enqueue(
        service=names.SERVICE,
        kind="reaction",
        lane=f"reactions:{row.channel_id}",
        key=f"seen:{row.channel_id}:{row.ts}",
        incident=row.incident_id,
        now=now,
        content={"channel": row.channel_id, "ts": row.ts, "name": SEEN},
        once=True,
    )
