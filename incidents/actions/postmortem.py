"""Open, write, review and publish a post-mortem. Writing together in real time will enter through `save_postmortem`."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput, StaleWrite
from incidents import signals
from incidents.drafting import draft
from incidents.models import Incident, PostMortem, PostMortemTemplate, Review, Revision
from incidents.models.incident import TITLE_LIMIT
from incidents.models.postmortem import BODY_LIMIT
from incidents.moments import check_moment

REVISION_EVERY = timedelta(minutes=30)
State = PostMortem.State


@transaction.atomic
def open_postmortem(
    *, incident: Incident, now: datetime, by: User | None = None, template: PostMortemTemplate | None = None
) -> PostMortem:
    """The incident's post-mortem, drafted from what is known; the existing one if there is one."""
    if by is not None:
        require_respond(by)
    Incident.objects.select_for_update().get(pk=incident.pk)
    existing = PostMortem.objects.filter(incident=incident).first()
    if existing is not None:
        return existing
    template = template or PostMortemTemplate.objects.filter(is_default=True).first()
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


def open_postmortem_where_needed(*, incident: Incident, now: datetime) -> None:
    if incident.severity.needs_postmortem:
        postmortem = open_postmortem(incident=incident, now=now)
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
) -> PostMortem:
    """Store a text. Raises StaleWrite with the current row when `based_on` is not its version; None writes anyway."""
    require_respond(by)
    check_moment("due_at", due_at)
    title = _checked_title(title)
    if len(body) > BODY_LIMIT:
        raise InvalidInput("body", f"has {len(body):,} characters; expected at most {BODY_LIMIT:,}")
    current = (
        PostMortem.objects.select_for_update(of=("self",)).select_related("incident", "edited_by").get(pk=postmortem.pk)
    )
    if based_on is not None and based_on != current.resource_version and not _only_drafted_since(current, based_on):
        raise StaleWrite(current)
    same = (current.title, current.body) == (title, body.replace("\r\n", "\n"))
    if same and due_at is None:
        return current
    if not same:
        _keep_revision(current, by, now)
    current.title, current.body, current.edited_by = title, body.replace("\r\n", "\n"), by
    current.due_at = due_at or current.due_at
    if current.state == State.PUBLISHED and not same:
        current.state = State.REOPENED
    current.save()
    return current


@transaction.atomic
def ask_for_review(*, postmortem: PostMortem, reviewers: list[User], by: User, now: datetime) -> PostMortem:
    require_respond(by)
    current = PostMortem.objects.select_for_update().get(pk=postmortem.pk)
    if not reviewers:
        raise InvalidInput("reviewers", "name at least one person")
    for reviewer in reviewers:
        if not Incident.objects.visible_to(reviewer).filter(pk=current.incident_id).exists():
            raise InvalidInput(
                "reviewers", f"{reviewer.display_name} may not see this incident; give them a role first"
            )
        Review.objects.update_or_create(
            postmortem=current,
            reviewer=reviewer,
            defaults={"verdict": Review.Verdict.WAITING, "comment": "", "asked_at": now, "answered_at": None},
        )
    if current.state in {State.DRAFT, State.REOPENED}:
        current.state = State.IN_REVIEW
        current.save(update_fields=["state"])
    return current


@transaction.atomic
def give_verdict(*, postmortem: PostMortem, verdict: str, comment: str, by: User, now: datetime) -> Review:
    """Anybody who was asked may answer, viewers too."""
    if verdict not in {Review.Verdict.APPROVED, Review.Verdict.CHANGES}:
        raise InvalidInput("verdict", "expected approved or changes")
    review = Review.objects.select_for_update().filter(postmortem=postmortem, reviewer=by).first()
    if review is None:
        raise InvalidInput("verdict", "you were not asked to review this")
    if len(comment) > 5_000:
        raise InvalidInput("comment", f"has {len(comment):,} characters; expected at most 5,000")
    if verdict == Review.Verdict.CHANGES and not comment.strip():
        raise InvalidInput("comment", "say what should change")
    review.verdict, review.comment, review.answered_at = verdict, comment.strip(), now
    review.save()
    return review


@transaction.atomic
def publish_postmortem(
    *, postmortem: PostMortem, by: User, now: datetime, based_on: int | None = None, via: str = "page"
) -> PostMortem:
    """Fix the text as it stands as the published version."""
    require_respond(by)
    current = PostMortem.objects.select_for_update(of=("self",)).select_related("incident").get(pk=postmortem.pk)
    if based_on is not None and based_on != current.resource_version:
        raise StaleWrite(current)
    if not current.body.strip():
        raise InvalidInput("body", "is empty; write something before publishing")
    current.state, current.published_at, current.published_by = State.PUBLISHED, now, by
    current.published_title, current.published_body = current.title, current.body
    current.save()
    _keep_revision(current, by, now, note="Published", always=True)
    audit.record(at=now, actor=by, verb="postmortem.published", target=current.incident.key, via=via)
    transaction.on_commit(partial(signals.postmortem_published.send, PostMortem, postmortem_id=current.pk, at=now))
    return current


def _only_drafted_since(current: PostMortem, based_on: int) -> bool:
    """Nobody has written yet: the person's text wins over a draft that followed the evidence, which stays a revision."""
    return current.edited_by_id is None and 0 < based_on < current.resource_version


def _keep_revision(current: PostMortem, by: User, now: datetime, *, note: str = "", always: bool = False) -> None:
    """The text before it changes hands, or after half an hour, so that nothing is ever lost."""
    last = current.revisions.first()
    if not always and last is not None and current.edited_by_id == by.pk and now - last.created_at < REVISION_EVERY:
        return
    Revision.objects.create(
        postmortem=current,
        version=current.resource_version,
        title=current.title,
        body=current.body,
        author=by if always else current.edited_by,
        created_at=now,
        note=note,
    )


def _checked_title(title: str) -> str:
    cleaned = " ".join(title.split())
    if not cleaned:
        raise InvalidInput("title", "is empty; say in a few words what happened")
    if len(cleaned) > TITLE_LIMIT:
        raise InvalidInput("title", f"has {len(cleaned):,} characters; expected at most {TITLE_LIMIT}")
    return cleaned
