"""Who belongs into an incident's channel, and who no longer does."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.cache import cache

from incidents.models import Incident
from incidents.slack.channels import keep
from incidents.slack.client import SlackRefusal, call, token_digest
from incidents.slack.models import SlackChannel, SlackGroup
from incidents.slack.people import learn_groups, slack_id_of
from incidents.slack.settings import chosen

# Channels are brought up to date every few seconds while evidence comes in; who is on call changes more slowly.
REMEMBERED_SECONDS = 300
OUT_OF_ORDER = frozenset({"missing_scope", "is_archived", "not_in_channel", "channel_not_found"})
NOT_THERE = frozenset({"not_in_channel", "user_not_in_channel", "cant_kick_self", "user_not_found"})


def bring(incident: Incident, channel: SlackChannel) -> None:
    """Who has a role, who declared it, and whom the settings invite; a private one is left by who takes no part."""
    wanted = _wanted(incident)
    invite(channel, wanted, "invited")
    guests = set(channel.shown.get("guests", []))
    for one in sorted(set(channel.shown.get("invited", [])) - set(wanted)):
        if channel.is_private and one not in guests:
            _remove(channel, one)
        # Given a role once more, they are invited once more.
        keep(channel, invited=sorted(set(channel.shown["invited"]) - {one}))


def invite(channel: SlackChannel, people: Iterable[str], kept_as: str = "guests") -> None:
    """`guests` were asked in by a deed of their own and stay whatever roles there are."""
    invited = set(channel.shown.get(kept_as, []))
    for one in people:
        if one in invited:
            continue
        try:
            call("conversations.invite", channel=channel.channel_id, users=one)
        except SlackRefusal as problem:
            # Somebody who cannot be invited (a guest, a bot, who has left) keeps nobody else out.
            if problem.code in OUT_OF_ORDER:
                raise
        invited.add(one)
        keep(channel, **{kept_as: sorted(invited)})


def _remove(channel: SlackChannel, one: str) -> None:
    try:
        call("conversations.kick", channel=channel.channel_id, user=one)
    except SlackRefusal as problem:
        if problem.code not in NOT_THERE:
            raise


def _wanted(incident: Incident) -> list[str]:
    users = [one.user for one in incident.roles.all()] + [incident.declared_by]
    found = [slack_id_of(user) for user in users]
    if not incident.is_restricted:
        found += [one for word in chosen().invite for one in _named(word)]
    return [one for one in dict.fromkeys(found) if one]


def _named(word: str) -> list[str]:
    """The people behind a line of the settings: a group's handle or an e-mail address."""
    name = word.lstrip("@")
    key = f"slack-invited:{token_digest()[:16]}:{name.lower()}"
    known: list[str] | None = cache.get(key)
    if known is None:
        known = _person(name) if "@" in name else _members(name)
        cache.set(key, known, REMEMBERED_SECONDS)
    return known


def _person(email: str) -> list[str]:
    try:
        return [str(call("users.lookupByEmail", email=email)["user"]["id"])]
    except SlackRefusal:
        return []


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
