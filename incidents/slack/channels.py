"""The channel of an incident, brought to what it should be: asked again it changes nothing that is right already.

Every step is kept when it is done, so that a try that was cut off goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from incidents.chat import outbox
from incidents.chat.lanes import Never
from incidents.models import Delivery, Incident
from incidents.models.incident import Status
from incidents.slack import blocks, forms, headline, names, naming, posting
from incidents.slack.client import SlackLater, SlackRefusal, call
from incidents.slack.models import SlackChannel, SlackGroup
from incidents.slack.people import learn_groups, slack_id_of, workspace
from incidents.slack.settings import chosen

ATTEMPTS = 10
AGAIN_WHILE_COLLECTING = timedelta(seconds=4)
WATCHED = timedelta(minutes=15)
GONE = frozenset({"message_not_found", "channel_not_found", "cant_update_message"})


def ask(incident_id: int, now: datetime, *, due_at: datetime | None = None) -> None:
    """That the channel be brought up to date; asked twice it is done once."""
    outbox.enqueue(
        service=names.SERVICE,
        kind="incident",
        lane=f"incident:{incident_id}",
        key=f"incident:{incident_id}",
        incident=incident_id,
        now=now,
        due_at=due_at,
    )


def invite(*, incident: Incident, people: list[str], now: datetime) -> None:
    lane = f"incident:{incident.pk}"
    content = {"people": people}
    outbox.enqueue(service=names.SERVICE, kind="invite", lane=lane, incident=incident, content=content, now=now)


def tell_where(*, incident: Incident, channel: str, who: str, now: datetime) -> None:
    """Whoever declared it is told where it goes on."""
    lane, content = f"incident:{incident.pk}", {"channel": channel, "user": who}
    outbox.enqueue(service=names.SERVICE, kind="declared", lane=lane, incident=incident, content=content, now=now)


def refresh(delivery: Delivery) -> None:
    incident = fresh(delivery)
    channel = ensure(incident)
    if channel.archived_at is not None:
        return
    now = timezone.now()
    _invite(incident, channel, _wanted(incident))
    _topic(incident, channel)
    _headline(delivery, incident, channel, now)
    _bookmarks(incident, channel)
    _announcement(delivery, incident, channel)
    if incident.is_restricted and not channel.is_private:
        raise Never(
            f"#{channel.name} is a public channel, and only a person can make it private: in Slack, channel settings."
        )
    if headline.is_collecting(incident) and now - incident.declared_at < WATCHED:
        ask(incident.pk, now, due_at=now + AGAIN_WHILE_COLLECTING)


def fresh(delivery: Delivery) -> Incident:
    rows = Incident.objects.select_related("severity", "declared_by").prefetch_related("milestones", "roles__user")
    found = rows.filter(pk=delivery.incident_id or 0).first()
    if found is None:
        raise Never("The incident is not there any more.")
    return found


def ensure(incident: Incident) -> SlackChannel:
    """The row, with the channel behind it made where there is none."""
    row = SlackChannel.objects.filter(incident=incident).first()
    if row is not None:
        return row
    made = _create(incident)
    return SlackChannel.objects.create(
        incident=incident,
        channel_id=made["id"],
        name=str(made.get("name", ""))[:80],
        is_private=incident.is_restricted,
        created_at=timezone.now(),
    )


def _create(incident: Incident) -> dict[str, Any]:
    template = chosen().channel_template
    for attempt in range(ATTEMPTS):
        name = naming.channel_name(incident, template, attempt)
        try:
            answer = call("conversations.create", name=name, is_private=incident.is_restricted)
        except SlackRefusal as problem:
            if problem.code != "name_taken":
                raise
            found = _ours(name, incident)
            if found is not None:
                return found
        else:
            channel: dict[str, Any] = answer["channel"]
            call("conversations.setPurpose", channel=channel["id"], purpose=_purpose(incident))
            return channel
    raise Never(f"Slack has channels named {name} and alike already. Change the channel template in Settings, Slack.")


def _purpose(incident: Incident) -> str:
    return f"{incident.key} in Debrief: {forms.address(incident)}"


def _ours(name: str, incident: Incident) -> dict[str, Any] | None:
    """A channel of that name which a try of ours made before it was cut off; a later step may have been lost."""
    me, cursor = workspace(), ""
    while True:
        kind = "private_channel" if incident.is_restricted else "public_channel"
        page = call("conversations.list", types=kind, exclude_archived=True, limit=1000, cursor=cursor)
        for channel in page.get("channels") or []:
            if channel.get("name") != name:
                continue
            purpose = (channel.get("purpose") or {}).get("value", "")
            mine = me is not None and channel.get("creator") == me.bot_user_id
            taken = SlackChannel.objects.filter(channel_id=channel["id"]).exists()
            return channel if mine and not taken and purpose in {"", _purpose(incident)} else None
        cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
        if not cursor:
            return None


def _wanted(incident: Incident) -> list[str]:
    """Who has a role, who declared it, and whom the settings invite; to a restricted one only those who take part."""
    users = [one.user for one in incident.roles.all()] + [incident.declared_by]
    found = [slack_id_of(user) for user in users]
    if not incident.is_restricted:
        found += _invited_always()
    return [one for one in dict.fromkeys(found) if one]


def _invited_always() -> list[str]:
    found: list[str] = []
    for word in chosen().invite:
        if "@" in word.lstrip("@"):
            try:
                found.append(str(call("users.lookupByEmail", email=word)["user"]["id"]))
            except SlackRefusal:
                continue
        else:
            found += _members(word.lstrip("@"))
    return found


def _members(handle: str) -> list[str]:
    if not SlackGroup.objects.filter(handle=handle).exists():
        learn_groups()
    group = SlackGroup.objects.filter(handle=handle).first()
    if group is None:
        return []
    try:
        return [str(one) for one in call("usergroups.users.list", usergroup=group.slack_id).get("users") or []]
    except SlackRefusal:
        return []


def add(incident: Incident, channel: SlackChannel, people: Iterable[str]) -> None:
    _invite(incident, channel, list(people))


def _invite(incident: Incident, channel: SlackChannel, people: list[str]) -> None:
    invited = set(channel.shown.get("invited", []))
    for one in people:
        if one in invited:
            continue
        try:
            call("conversations.invite", channel=channel.channel_id, users=one)
        except SlackRefusal as problem:
            # Somebody who cannot be invited (a guest, a bot, who has left) keeps nobody else out.
            if problem.code in {"missing_scope", "is_archived", "not_in_channel", "channel_not_found"}:
                raise
        invited.add(one)
        _keep(channel, invited=sorted(invited))


def _topic(incident: Incident, channel: SlackChannel) -> None:
    wanted = naming.topic(incident, forms.address(incident))
    if channel.shown.get("topic") != wanted:
        call("conversations.setTopic", channel=channel.channel_id, topic=wanted)
        _keep(channel, topic=wanted)


def _headline(delivery: Delivery, incident: Incident, channel: SlackChannel, now: datetime) -> None:
    parts = headline.headline(incident, now)
    digest, text = _digest(parts), headline.summary(incident)
    if not channel.headline_ts:
        ts = posting.post(delivery, channel.channel_id, "headline", text=text, parts=parts)
        channel.headline_ts = ts
        _keep(channel, headline=digest)
    elif channel.shown.get("headline") != digest:
        try:
            call("chat.update", channel=channel.channel_id, ts=channel.headline_ts, text=text, blocks=parts)
        except SlackRefusal as problem:
            if problem.code not in GONE:
                raise
            # Somebody deleted it: the channel gets it once more.
            channel.headline_ts = ""
            _keep(channel, pinned=False)
            _headline(delivery, incident, channel, now)
            return
        _keep(channel, headline=digest)
    if not channel.shown.get("pinned"):
        try:
            call("pins.add", channel=channel.channel_id, timestamp=channel.headline_ts)
        except SlackRefusal as problem:
            if problem.code != "already_pinned":
                raise
        _keep(channel, pinned=True)


def _bookmarks(incident: Incident, channel: SlackChannel) -> None:
    wanted = {"Incident": forms.address(incident)}
    if hasattr(incident, "postmortem"):
        wanted["Post-mortem"] = forms.address(incident, "postmortem/")
    known = dict(channel.shown.get("bookmarks", {}))
    for title, address in wanted.items():
        if title in known:
            continue
        try:
            answer = call("bookmarks.add", channel_id=channel.channel_id, title=title, type="link", link=address)
        except SlackLater as problem:
            # Without bookmarks:read nobody can ask whether it is there: an answer that got lost counts as one.
            if problem.is_uncertain:
                _keep(channel, bookmarks=known | {title: ""})
            raise
        known[title] = str((answer.get("bookmark") or {}).get("id", ""))
        _keep(channel, bookmarks=known)


def _announcement(delivery: Delivery, incident: Incident, channel: SlackChannel) -> None:
    """In the central channel; what became restricted is taken away there."""
    if incident.is_restricted:
        if channel.central_ts:
            _forget_announcement(channel)
        return
    central = chosen().central_channel.lstrip("#")
    if not central:
        return
    parts = headline.announcement(incident, channel.channel_id)
    digest, text = _digest(parts), headline.summary(incident)
    if not channel.central_ts:
        # By name until the first answer tells its id.
        where = central if central.startswith(("C", "G")) and central.isupper() else f"#{central}"
        channel.central_ts, channel.central_id = _announce(delivery, where, text, parts)
        _keep(channel, central=digest)
    elif channel.shown.get("central") != digest:
        try:
            call("chat.update", channel=channel.central_id, ts=channel.central_ts, text=text, blocks=parts)
        except SlackRefusal as problem:
            if problem.code not in GONE:
                raise
        _keep(channel, central=digest)


def _announce(delivery: Delivery, where: str, text: str, parts: list[blocks.Block]) -> tuple[str, str]:
    mark = {"delivery": f"incident-{delivery.incident_id}", "name": "announcement"}
    metadata = {"event_type": posting.EVENT, "event_payload": mark}
    try:
        answer = call("chat.postMessage", channel=where, text=text, blocks=parts, unfurl_links=False, metadata=metadata)
    except SlackRefusal as problem:
        if problem.code in {"channel_not_found", "not_in_channel", "is_archived"}:
            raise Never(f"{where} cannot be written to: {problem} Settings, Slack names another channel.") from None
        raise
    return str(answer["ts"]), str(answer["channel"])


def _forget_announcement(channel: SlackChannel) -> None:
    try:
        call("chat.delete", channel=channel.central_id, ts=channel.central_ts)
    except SlackRefusal as problem:
        if problem.code not in GONE:
            raise
    channel.central_ts = ""
    _keep(channel, central="")


def archive(delivery: Delivery) -> None:
    """Days after it was closed, unless it was opened again; the post-mortem's address is the last word."""
    incident = fresh(delivery)
    channel = SlackChannel.objects.filter(incident=incident).first()
    if channel is None or channel.archived_at or incident.status != Status.CLOSED:
        return
    part = "postmortem/" if hasattr(incident, "postmortem") else ""
    text = f"This channel is archived now. What was learned: {forms.address(incident, part)}"
    posting.post(delivery, channel.channel_id, "archive", text=text, parts=[])
    try:
        call("conversations.archive", channel=channel.channel_id)
    except SlackRefusal as problem:
        if problem.code != "already_archived":
            raise
    channel.archived_at = timezone.now()
    channel.save(update_fields=["archived_at"])


def _keep(channel: SlackChannel, **shown: Any) -> None:
    channel.shown = channel.shown | shown
    channel.save()


def _digest(parts: list[blocks.Block]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
