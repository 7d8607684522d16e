"""Who somebody in Slack is here: found by e-mail, kept by Slack id, asked again now and then."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.models import STAND_IN_DOMAIN, Role, User
from accounts.permissions import can_respond
from incidents.chat.lanes import Later, Never
from incidents.slack import names
from incidents.slack.client import SlackRefusal, call, token_digest
from incidents.slack.models import SlackGroup, SlackPerson, Workspace

ASK_AGAIN = timedelta(hours=24)
ASK_WORKSPACE_AGAIN = timedelta(hours=1)
# Somebody who was just added here should not stay a stranger for a day.
ASK_STRANGERS_AGAIN = timedelta(minutes=10)
STAND_IN = f"slack{STAND_IN_DOMAIN}"
UNLINKED = "Slack user, not linked"


class NotLinked(Exception):
    """What a stranger may not do; the message tells how to become known."""

    retryable = False


def person(slack_id: str) -> SlackPerson:
    """The row of somebody, as fresh as Slack lets it be; raises Later where nothing is known yet."""
    now = timezone.now()
    known = SlackPerson.objects.select_related("user").filter(slack_id=slack_id).first()
    if known is not None and not _is_stale(known, now):
        return known
    try:
        return _learn(slack_id, now)
    except Later:
        if known is not None:
            return known
        raise
    except SlackRefusal:
        # Without users:read, or for a guest of another workspace, the id is all there is.
        return known or _keep(slack_id, now, name=slack_id)


def known(slack_id: str) -> SlackPerson | None:
    """Without asking Slack: for what must be answered at once."""
    return SlackPerson.objects.select_related("user").filter(slack_id=slack_id).first()


def _is_stale(row: SlackPerson, now: datetime) -> bool:
    return now - row.checked_at > (ASK_AGAIN if row.user_id and not row.is_gone else ASK_STRANGERS_AGAIN)


def _learn(slack_id: str, now: datetime) -> SlackPerson:
    found = call("users.info", user=slack_id)["user"]
    profile = found.get("profile") or {}
    name = profile.get("display_name") or profile.get("real_name") or found.get("real_name") or found.get("name")
    email = str(profile.get("email") or "")
    row = _keep(
        slack_id,
        now,
        name=" ".join(str(name or slack_id).split())[:120],
        email=email[:254],
        zone=str(found.get("tz") or "")[:64],
        is_bot=bool(found.get("is_bot")),
        is_gone=bool(found.get("deleted")),
    )
    if row.user is None and email and _is_one_of_us(found, now):
        row.user = User.objects.choosable().filter(email__iexact=email).first()
        if row.user is not None:
            row.save(update_fields=["user"])
    return row


def _is_one_of_us(found: Mapping[str, Any], now: datetime) -> bool:
    """Whose address can be believed: guests choose theirs freely, and other organisations give what they like."""
    home = workspace() or keep_workspace(now)
    teams = {found.get("team_id"), *((found.get("enterprise_user") or {}).get("teams") or [])}
    outside = ("is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "deleted")
    confirmed = found.get("is_email_confirmed", True) is not False
    return home is not None and home.team_id in teams and confirmed and not any(found.get(one) for one in outside)


def _keep(slack_id: str, now: datetime, **fields: object) -> SlackPerson:
    row, _ = SlackPerson.objects.update_or_create(slack_id=slack_id, defaults={**fields, "checked_at": now})
    return row


def slack_id_of(user: User) -> str:
    """Of somebody here; looked up by e-mail where nobody knows it yet; empty where there is none."""
    row = SlackPerson.objects.filter(user=user).order_by("-checked_at").first()
    if row is not None:
        return row.slack_id
    if not user.email or user.is_stand_in:
        return ""
    try:
        found = call("users.lookupByEmail", email=user.email)["user"]
    except SlackRefusal:
        return ""
    return person(str(found["id"])).slack_id


def actor(row: SlackPerson) -> User:
    """Whose deed it is; raises NotLinked for a stranger."""
    if row.is_gone:
        raise NotLinked("This Slack account was deactivated. A Slack admin can turn it on again.")
    if row.user is None or not row.user.is_active:
        raise NotLinked(
            "Your Slack account is not linked to anybody in Debrief. An admin can add a person with your e-mail"
            f" address, or link you at {settings.BASE_URL}/settings/slack/."
        )
    return row.user


def declarer(row: SlackPerson) -> User:
    """Anybody in Slack may declare: who may not here, does so through the stand-in account."""
    if row.user is not None and can_respond(row.user):
        return row.user
    return stand_in()


def stand_in() -> User:
    """An account that nobody can sign in with, known by its address: somebody may be called slack."""
    known = User.objects.filter(email=STAND_IN).first()
    if known is not None:
        return known
    taken = set(User.objects.filter(username__startswith=names.SERVICE).values_list("username", flat=True))
    name = next(one for one in (names.SERVICE, *map(_numbered, range(2, 10_000))) if one not in taken)
    fresh = {"username": name, "name": UNLINKED, "role": Role.RESPONDER, "password": make_password(None)}
    return User.objects.get_or_create(email=STAND_IN, defaults=fresh)[0]


def _numbered(number: int) -> str:
    return f"{names.SERVICE}-{number}"


def group_handle(slack_id: str) -> str:
    """The handle of a user group, for texts; its id where Slack does not tell."""
    row = SlackGroup.objects.filter(slack_id=slack_id).first()
    if row is None or timezone.now() - row.checked_at > ASK_AGAIN:
        learn_groups()
        row = SlackGroup.objects.filter(slack_id=slack_id).first()
    return row.handle if row else slack_id


def learn_groups() -> None:
    try:
        found = call("usergroups.list").get("usergroups") or []
    except Never:
        return
    now = timezone.now()
    for group in found:
        SlackGroup.objects.update_or_create(
            slack_id=group["id"],
            defaults={"handle": group.get("handle", ""), "name": group.get("name", ""), "checked_at": now},
        )


def check_workspace(now: datetime) -> Workspace:
    """Asks Slack who the token is; raises Later and Never."""
    answer = call("auth.test")
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    granted = headers.get("x-oauth-scopes", "")
    text = granted[0] if isinstance(granted, list) else granted
    Workspace.objects.exclude(token_digest=token_digest()).delete()
    row, _ = Workspace.objects.update_or_create(
        token_digest=token_digest(),
        defaults={
            "team_id": answer.get("team_id", ""),
            "team": answer.get("team", "")[:200],
            "url": answer.get("url", "")[:300],
            "bot_user_id": answer.get("user_id", ""),
            "bot_id": answer.get("bot_id", ""),
            "app_id": answer.get("app_id", ""),
            "scopes": sorted(filter(None, (scope.strip() for scope in text.split(",")))),
            "checked_at": now,
        },
    )
    return row


def keep_workspace(now: datetime) -> Workspace | None:
    """Asks Slack who the token is where nobody has for a while; being away is not news here."""
    row = workspace()
    if row is None or now - row.checked_at > ASK_WORKSPACE_AGAIN:
        with suppress(Later, Never):
            return check_workspace(now)
    return row


def workspace() -> Workspace | None:
    """As known without asking."""
    return Workspace.objects.filter(token_digest=token_digest()).first()
