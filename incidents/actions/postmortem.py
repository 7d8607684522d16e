"""Open and write a post-mortem. Editors write through the shared document (incidents/writing), all others through here."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput, StaleWrite
from incidents.drafting import draft
from incidents.models import Incident, PostMortem, PostMortemTemplate, SetAside
from incidents.models.incident import TITLE_LIMIT
from incidents.models.postmortem import BODY_LIMIT
from incidents.moments import check_moment
from incidents.writing.documents import announce, current_text, plain_lines, rewrite, text_at
from incidents.writing.merging import merge

State = PostMortem.State


@transaction.atomic
def open_postmortem(
    *, incident: Incident, now: datetime, by: User | None = None, template: PostMortemTemplate | None = None
) -> PostMortem:
    """The incident's post-mortem, drafted from what is known; the existing one if there is one."""
    if by is not None:
        require_respond(by)
    # Not the key: notices that point at the incident may be written meanwhile.
    Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    existing = PostMortem.objects.filter(incident=incident).first()
    if existing is not None:
        return existing
    template = template or PostMortemTemplate.for_incident(incident)
    resolved_at = incident.milestone_times().get("resolved")
    postmortem = PostMortem.objects.create(
        incident=incident,
        template=template,
        title=incident.title,
        due_at=incident.severity.postmortem_due(resolved_at or now),
    )
    draft(postmortem.pk, now)
    postmortem.refresh_from_db()
    return postmortem


@transaction.atomic
def open_postmortem_where_needed(*, incident: Incident, now: datetime) -> None:
    if incident.severity.needs_postmortem:
        postmortem = current_text(open_postmortem(incident=incident, now=now).pk, now)
        resolved_at = incident.milestone_times().get("resolved")
        if postmortem.state == State.DRAFT and resolved_at is not None:
            postmortem.due_at = incident.severity.postmortem_due(resolved_at)
            postmortem.save(update_fields=["due_at"])


@transaction.atomic
def save_postmortem(
    *,
    postmortem: PostMortem,
    based_on: int | None,
    title: str,
    body: str,
    by: User,
    now: datetime,
    due_at: datetime | None = None,
    via: str = "page",
) -> PostMortem:
    """Store a text. One that is based on an earlier version is merged into what others wrote since.

    Raises StaleWrite with the current row when that cannot be done without choosing; `based_on=None` writes anyway.
    """
    require_respond(by)
    check_moment("due_at", due_at)
    title, body = _checked_title(title), _checked_body(body)
    current = current_text(postmortem.pk, now)
    if based_on is not None and based_on != current.resource_version:
        title, body = _merged(current, based_on, title, body)
    if (title, body) != (current.title, current.body):
        current = rewrite(postmortem_id=current.pk, title=title, body=body, by=by, via=via, now=now)
    if due_at is not None:
        current.due_at = due_at
        current.save(update_fields=["due_at"])
    return current


@transaction.atomic
def set_aside(
    *, postmortem: PostMortem, based_on: int, title: str, body: str, by: User, via: str, now: datetime
) -> SetAside | None:
    """Keep a text that could not be merged until a person has compared it; None when nothing in it would be lost."""
    require_respond(by)
    title, body = _checked_title(title), _checked_body(body)
    current = current_text(postmortem.pk, now)
    base = text_at(current, based_on)
    headings = [one.heading for one in merge(base[1], body, current.body).conflicts] if base else []
    if (title, body) == (current.title, current.body):
        return None
    row, made = SetAside.objects.get_or_create(
        postmortem=current,
        digest=sha256(f"{based_on}\0{title}\0{body}".encode()).hexdigest(),
        defaults={
            "based_on": max(based_on, 0),
            "title": title,
            "body": body,
            "sections": list(dict.fromkeys(heading for heading in headings if heading)),
            "author": by,
            "via": via,
            "created_at": now,
        },
    )
    if made:
        announce(current.pk, "aside")
    return row


@transaction.atomic
def settle_aside(
    *, aside: SetAside, outcome: str, by: User, now: datetime, based_on: int | None = None, body: str | None = None
) -> PostMortem:
    """Compared: `merged` brings the `body` that came of it, `dismissed` keeps what stands. The row itself stays."""
    require_respond(by)
    row = SetAside.objects.select_for_update().select_related("postmortem").get(pk=aside.pk)
    if row.settled_at is not None:
        raise InvalidInput("outcome", "somebody has settled this already")
    if outcome not in SetAside.Outcome.values or (outcome == SetAside.Outcome.MERGED) != (body is not None):
        raise InvalidInput("outcome", "expected merged with a text, or dismissed without")
    postmortem = row.postmortem
    if body is not None:
        postmortem = save_postmortem(
            postmortem=postmortem, based_on=based_on, title=postmortem.title, body=body, by=by, now=now, via="merge"
        )
    row.settled_at, row.settled_by, row.outcome = now, by, outcome
    row.save()
    announce(postmortem.pk, "aside")
    return postmortem


def _merged(current: PostMortem, based_on: int, title: str, body: str) -> tuple[str, str]:
    base = text_at(current, based_on)
    if base is None:
        raise StaleWrite(current)
    merged = merge(base[1], body, current.body)
    if title in {base[0], current.title}:
        merged_title = current.title
    elif current.title == base[0]:
        merged_title = title
    else:
        merged_title = ""
    if merged.conflicts or not merged_title:
        if current.is_untouched:
            # Nobody has written yet: a person's text wins over a draft that followed the evidence.
            return title, body
        raise StaleWrite(current)
    return merged_title, _checked_body(merged.text)


def _checked_body(body: str) -> str:
    if len(body) > BODY_LIMIT:
        raise InvalidInput("body", f"has {len(body):,} characters; expected at most {BODY_LIMIT:,}")
    return plain_lines(body)


def _checked_title(title: str) -> str:
    cleaned = " ".join(title.split())
    if not cleaned:
        raise InvalidInput("title", "is empty; say in a few words what happened")
    if len(cleaned) > TITLE_LIMIT:
        raise InvalidInput("title", f"has {len(cleaned):,} characters; expected at most {TITLE_LIMIT}")
    return cleaned
