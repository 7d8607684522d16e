"""Ask people to review a post-mortem; what they answer."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.models import Incident, PostMortem, Review

State = PostMortem.State


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
