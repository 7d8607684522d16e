"""Links for people outside: made with an end, shown once, taken back at any time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import F

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.models import ExternalLink, PostMortem

LONGEST_DAYS = 90
AUDIENCE_LIMIT = 120
MOST_SECTIONS = 100
MOST_LINKS = 50
TOKEN = 43


@transaction.atomic
def make_external_link(
    *,
    postmortem: PostMortem,
    audience: str,
    sections: Sequence[str],
    with_figures: bool,
    days: int,
    by: User,
    now: datetime,
    via: str = "page",
) -> tuple[ExternalLink, str]:
    """The row and its token, which is kept nowhere. `sections` are titles of the published text."""
    require_respond(by)
    audience = " ".join(audience.split())
    if not postmortem.is_published:
        raise InvalidInput("", "Publish the post-mortem first; people outside see what is published.")
    if not audience:
        raise InvalidInput("audience", "is empty; say for whom the link is")
    if len(audience) > AUDIENCE_LIMIT:
        raise InvalidInput("audience", f"has {len(audience)} characters; expected at most {AUDIENCE_LIMIT}")
    if not sections or len(sections) > MOST_SECTIONS:
        raise InvalidInput("sections", f"are {len(sections)}; choose 1 to {MOST_SECTIONS}")
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidInput("days", f"is {days}; expected 1 to {LONGEST_DAYS}")
    if postmortem.external_links.filter(revoked_at=None, expires_at__gt=now).count() >= MOST_LINKS:
        raise InvalidInput("", f"{MOST_LINKS} links are valid already; revoke those that are no longer needed.")
    token = secrets.token_urlsafe(32)
    link = ExternalLink.objects.create(
        postmortem=postmortem,
        digest=_digest(token),
        audience=audience,
        sections=list(sections),
        with_figures=with_figures,
        created_by=by,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    _record(link, "postmortem.outside_link_made", by, now, via)
    return link, token


@transaction.atomic
def revoke_external_link(*, link: ExternalLink, by: User, now: datetime, via: str = "page") -> ExternalLink:
    require_respond(by)
    row = ExternalLink.objects.select_for_update(of=("self",)).select_related("postmortem__incident").get(pk=link.pk)
    if row.revoked_at is None:
        row.revoked_at = now
        row.save(update_fields=["revoked_at"])
        _record(row, "postmortem.outside_link_revoked", by, now, via)
    return row


def open_external_link(*, token: str, now: datetime) -> ExternalLink | None:
    """The valid link of this token, counted as seen; None for one that is unknown, revoked or has ended."""
    if len(token) != TOKEN:
        return None
    rows = ExternalLink.objects.select_related("postmortem__incident__severity")
    link = rows.filter(digest=_digest(token)).first()
    if link is None or not link.is_valid(now):
        return None
    ExternalLink.objects.filter(pk=link.pk).update(times_seen=F("times_seen") + 1, last_seen_at=now)
    return link


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _record(link: ExternalLink, verb: str, by: User, now: datetime, via: str) -> None:
    detail = {
        "audience": link.audience,
        "sections": link.sections,
        "with_figures": link.with_figures,
        "until": link.expires_at.isoformat(),
    }
    target = link.postmortem.incident.key
    audit.record(at=now, actor=by, verb=verb, target=target, via=via, detail=detail)
