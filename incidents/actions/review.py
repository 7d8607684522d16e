"""Ask people to review a post-mortem, take that back; what they answer."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.models import PostMortem, Review
from incidents.notices import may_see, tell

COMMENT_LIMIT = 5_000
MOST = 50
State = PostMortem.State


@transaction.atomic
def ask_for_review(*, postmortem: PostMortem, reviewers: list[User], by: User, now: datetime) -> PostMortem:
    """Those named and those whom the severity requires are asked; who had answered is asked again.

    Nobody asks themselves: an approval is somebody else's. A required reviewer who asks others is left out.
    """
    require_respond(by)
    if any(one.pk == by.pk for one in reviewers):
        raise InvalidInput("reviewers", "include yourself; choose other people, nobody reviews at their own request")
    current = _held(postmortem)
    required = [one for one in current.incident.severity.required_reviewers.all() if one.is_active]
    asked = list({one.pk: one for one in [*reviewers, *required] if one.pk != by.pk}.values())
    if not asked and required:
        raise InvalidInput("reviewers", "are nobody but yourself; somebody else has to ask for your review")
    if not asked:
        raise InvalidInput("reviewers", "name at least one person")
    if len(asked) > MOST:
        raise InvalidInput("reviewers", f"are {len(asked)} people; expected at most {MOST}")
    blind = [one.display_name for one in asked if not may_see(one, current.incident)]
    if blind:
        raise InvalidInput("reviewers", f"{', '.join(blind)} may not see this incident; give them a role first")
    fresh = {"verdict": Review.Verdict.WAITING, "comment": "", "asked_at": now, "answered_at": None}
    for reviewer in asked:
        Review.objects.update_or_create(postmortem=current, reviewer=reviewer, defaults=fresh)
    if current.state in {State.DRAFT, State.REOPENED}:
        current.state = State.IN_REVIEW
        current.save(update_fields=["state"])
    tell(
        asked,
        incident=current.incident,
        key=f"review:{current.pk}:{now.isoformat()}",
        text=f"{by.display_name} asks you to review “{current.title}”",
        address=current.get_absolute_url(),
        now=now,
    )
    return current


@transaction.atomic
def withdraw_from_review(*, postmortem: PostMortem, by: User, now: datetime) -> PostMortem:
    """Back to writing. Answers that were given stay; nobody is waited for any longer."""
    require_respond(by)
    current = _held(postmortem)
    if current.state != State.IN_REVIEW:
        raise InvalidInput("state", f"is {current.get_state_display().lower()}; only a text in review can be withdrawn")
    current.reviews.filter(verdict=Review.Verdict.WAITING).delete()
    current.state = State.REOPENED if current.is_published else State.DRAFT
    current.save(update_fields=["state"])
    return current


@transaction.atomic
def give_verdict(*, postmortem: PostMortem, verdict: str, comment: str, by: User, now: datetime) -> Review:
    """Anybody who was asked may answer, viewers too, as long as they see the incident."""
    if verdict not in {Review.Verdict.APPROVED, Review.Verdict.CHANGES}:
        raise InvalidInput("verdict", "expected approved or changes")
    rows = Review.objects.select_for_update(of=("self",)).select_related(
        "postmortem__incident", "postmortem__edited_by"
    )
    review = rows.filter(postmortem=postmortem, reviewer=by).first()
    if review is None or not may_see(by, review.postmortem.incident):
        raise InvalidInput("verdict", "you were not asked to review this")
    if len(comment) > COMMENT_LIMIT:
        raise InvalidInput("comment", f"has {len(comment):,} characters; expected at most {COMMENT_LIMIT:,}")
    if verdict == Review.Verdict.CHANGES and not comment.strip():
        raise InvalidInput("comment", "say what should change")
    review.verdict, review.comment, review.answered_at = verdict, comment.strip(), now
    review.save()
    _tell_writers(review, now)
    return review


def writers(postmortem: PostMortem) -> list[User]:
    """Who wrote the text, newest first: at most ten."""
    ids = postmortem.edits.exclude(author=None).order_by("-id").values_list("author", flat=True)[:500]
    found = [*([postmortem.edited_by_id] if postmortem.edited_by_id else []), *ids]
    return list(User.objects.filter(pk__in=[*dict.fromkeys(found)][:10]))


def _tell_writers(review: Review, now: datetime) -> None:
    postmortem = review.postmortem
    said = "approves" if review.verdict == Review.Verdict.APPROVED else "asks for changes in"
    tell(
        [one for one in writers(postmortem) if one.pk != review.reviewer_id],
        incident=postmortem.incident,
        key=f"verdict:{review.pk}:{now.isoformat()}",
        text=f"{review.reviewer.display_name} {said} “{postmortem.title}”",
        address=postmortem.get_absolute_url(),
        now=now,
    )


def _held(postmortem: PostMortem) -> PostMortem:
    rows = PostMortem.objects.select_for_update(of=("self",)).select_related("incident__severity")
    return rows.get(pk=postmortem.pk)
