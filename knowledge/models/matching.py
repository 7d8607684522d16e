"""What an incident is known again by, and which earlier ones share it."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import User
from incidents.models import Incident
from incidents.models.incident import ClosureReason

VALUE_LIMIT = 300


class Trait(models.Model):
    """One thing by which an incident is known again, with the evidence that shows it.

    `value` is compared, `label` is for people; `evidence` are numbers of E-n of this incident, at most five.
    """

    class Kind(models.TextChoices):
        SIGNAL = "signal", "Signal of a workload"
        REASON = "reason", "Reason of an Event"
        ALERT = "alert", "Alert"
        FINGERPRINT = "fingerprint", "The same alert"
        NODE = "node", "Failing node"
        IMAGE = "image", "Image"
        LOG = "log", "Log pattern"
        ROLLOUT = "rollout", "Rollout just before"
        WORKLOAD = "workload", "Workload"
        SERVICE = "service", "Service"
        LABEL = "label", "Label"
        TERM = "term", "Word of a log"
        WORD = "word", "Word"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="traits")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    value = models.CharField(max_length=VALUE_LIMIT)
    label = models.CharField(max_length=VALUE_LIMIT)
    evidence = ArrayField(models.PositiveIntegerField(), default=list, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "kind", "value"], name="a_trait_once_per_incident")]
        indexes = [models.Index(fields=["kind", "value"], name="incidents_of_a_trait")]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.kind} {self.label}"


class MatchQuerySet(models.QuerySet["Match"]):
    def shown(self) -> MatchQuerySet:
        """Best first, without those that a person refused."""
        return self.exclude(verdict=Match.Verdict.NOT_THIS).order_by("-is_same", "-score", "-earlier__number")

    def visible_to(self, person: Any) -> MatchQuerySet:
        """Without those whose earlier incident turned out to be a duplicate or nothing at all."""
        rows = self.filter(earlier__in=Incident.objects.visible_to(person)).exclude(score=0, verdict="")
        return rows.exclude(earlier__closure_reason__in=[ClosureReason.DUPLICATE, ClosureReason.CANCELLED])


class Match(models.Model):
    """An earlier incident that resembles one, and what a person said of it.

    `reasons`: `[{"kind", "label", "weight", "own": [E numbers], "theirs": [E numbers]}]`, heaviest first; `score` is
    the sum of their weights.
    """

    class Verdict(models.TextChoices):
        NONE = "", "Nobody has said yet"
        SAME_CAUSE = "same_cause", "Same cause"
        NOT_THIS = "not_this", "Not this"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="matches")
    earlier = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="later_matches")
    score = models.FloatField()
    reasons = models.JSONField(default=list)
    verdict = models.CharField(max_length=10, choices=Verdict.choices, blank=True, default=Verdict.NONE)
    is_same = models.GeneratedField(
        expression=models.Case(models.When(verdict="same_cause", then=models.Value(1)), default=models.Value(0)),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True, help_text="When chats heard of it.")
    found_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    objects = MatchQuerySet.as_manager()

    class Meta:
        ordering = ["-score"]
        verbose_name_plural = "matches"
        constraints = [
            models.UniqueConstraint(fields=["incident", "earlier"], name="a_pair_matches_once"),
            models.CheckConstraint(name="nothing_matches_itself", condition=~models.Q(incident=models.F("earlier"))),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} like {self.earlier_id} ({self.score:.1f})"

    @property
    def resource_version(self) -> int:
        """Rises with each write: the time of the last, in microseconds."""
        return int(self.updated_at.timestamp() * 1_000_000)


class MatchRequest(models.Model):
    """An incident that is to be compared with earlier ones: `wanted_at` since when, `done_at` up to when it was."""

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, related_name="match_request")
    wanted_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["wanted_at"], name="match_requests")]

    def __str__(self) -> str:
        return f"{self.incident_id} since {self.wanted_at:%H:%M:%S}"
