"""What a post-mortem still lacks: hints on its quality, and what an admin requires before it is published."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import User
from incidents.models import Edit, PostMortem, Review
from incidents.quality import Facts, FollowUpFact, Hint, hints
from telemetry.observations import EvidenceType

METRICS = 500


def quality_of(postmortem: PostMortem, body: str | None = None) -> list[Hint]:
    """Every check of the text (`body`, where an editor holds a newer one). Three queries."""
    incident = postmortem.incident
    rows = incident.followups.order_by("number").only("number", "owner", "team", "due_at", "incident")
    charts = incident.evidence.filter(type=EvidenceType.METRIC.value).order_by("number")
    facts = Facts(
        body=postmortem.body if body is None else body,
        followups=[FollowUpFact(row.key, bool(row.owner_id or row.team_id), row.due_at is not None) for row in rows],
        people=_names(participants(postmortem)),
        metrics=frozenset(charts.values_list("number", flat=True)[:METRICS]),
    )
    return hints(facts)


def participants(postmortem: PostMortem) -> list[User]:
    """Who had a role, declared the incident, acted on its timeline or wrote about it."""
    incident = postmortem.incident
    found = (
        User.objects.filter(pk=incident.declared_by_id)
        | User.objects.filter(pk__in=incident.roles.values("user"))
        | User.objects.filter(pk__in=incident.timeline.exclude(actor=None).values("actor"))
        | User.objects.filter(pk__in=postmortem.edits.exclude(author=None).values("author"))
    )
    return list(found.distinct()[:30])


def _names(people: Iterable[User]) -> list[str]:
    """Full names, the first words of them, and usernames."""
    found: list[str] = []
    for person in people:
        name = person.display_name
        found += [name, person.username, *(word for word in name.split()[:1] if len(word) > 2)]
    return found


def reviews_of(postmortem: PostMortem, until: datetime | None = None) -> QuerySet[Review]:
    """Each has `is_overtaken`: somebody changed the text (until then) after it was answered."""
    return postmortem.reviews.select_related("reviewer").annotate(is_overtaken=_changed_since(until))


def _changed_since(until: datetime | None = None) -> Exists:
    """Whether the text was changed after a review was answered. What Debrief drafts leaves an answer standing."""
    later = Edit.objects.filter(postmortem=OuterRef("postmortem"), created_at__gt=OuterRef("answered_at"))
    if until is not None:
        later = later.filter(created_at__lte=until)
    return Exists(later.exclude(via="draft"))


def lacking(postmortem: PostMortem) -> dict[str, str]:
    """What keeps this from being published, by field: nothing where it may be. An approval counts for one text."""
    severity = postmortem.incident.severity
    last = postmortem.publications.first()
    given = postmortem.reviews.select_related("reviewer").filter(verdict=Review.Verdict.APPROVED)
    if last is not None:
        given = given.filter(answered_at__gt=last.published_at)
    approved = set(given.exclude(_changed_since()).values_list("reviewer", flat=True))
    before = [one.reviewer.display_name for one in given.filter(_changed_since())]
    missing: dict[str, str] = {}
    required = [one for one in severity.required_reviewers.all() if one.is_active and one.pk not in approved]
    said = []
    if required:
        said.append(f"{_and([one.display_name for one in required])} must approve it first")
    if len(approved) < severity.approvals_needed:
        wanted = severity.approvals_needed
        said.append(f"{len(approved)} of {wanted} approval{'' if wanted == 1 else 's'} given")
    if said and before:
        said.append(f"the text was changed after {_and(before)} approved it")
    if said:
        missing["reviewers"] = f"{'; '.join(said)}. Ask for review."
    if severity.required_checks:
        unmet = [one for one in quality_of(postmortem) if one.slug in severity.required_checks and not one.is_met]
        if unmet:
            missing["quality"] = " ".join(one.sentence for one in unmet)
    return missing


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
