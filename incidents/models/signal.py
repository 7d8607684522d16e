from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from accounts.models import User
from incidents.models.incident import TITLE_LIMIT, Incident, Severity
from telemetry.models import Cluster
from telemetry.signals import BY_NAME, Rule

LONGEST_QUIET = 7 * 24 * 60
NAMESPACELESS = ""


class SignalPolicy(models.Model):
    """What is done when a signal is seen. Without a row nothing is done.

    `namespaces` narrows it, none means all; what belongs to no namespace, such as a node, always counts.
    """

    class Action(models.TextChoices):
        NONE = "none", "Nothing"
        PROPOSE = "propose", "Propose an incident"
        DECLARE = "declare", "Declare an incident"

    signal = models.CharField(max_length=40, unique=True)
    action = models.CharField(max_length=8, choices=Action.choices, default=Action.NONE)
    severity = models.ForeignKey(Severity, on_delete=models.PROTECT, related_name="+")
    quiet_minutes = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_QUIET)]
    )
    namespaces = ArrayField(models.CharField(max_length=63), default=list, blank=True)
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["signal"]
        verbose_name_plural = "signal policies"
        constraints = [
            models.CheckConstraint(
                name="quiet_for_minutes_to_a_week",
                condition=models.Q(quiet_minutes__gte=1, quiet_minutes__lte=LONGEST_QUIET),
            )
        ]

    def __str__(self) -> str:
        return f"{self.signal}: {self.action}"

    @property
    def quiet(self) -> timedelta:
        return timedelta(minutes=self.quiet_minutes)

    def concerns(self, namespace: str) -> bool:
        return namespace == NAMESPACELESS or not self.namespaces or namespace in self.namespaces


class ProposalQuerySet(models.QuerySet["IncidentProposal"]):
    def open(self) -> ProposalQuerySet:
        return self.filter(state=IncidentProposal.State.OPEN)

    def for_page(self, person: Any) -> ProposalQuerySet:
        """Newest first; those that led to an incident that this person may not see are left out."""
        seen = models.Q(incident=None) | models.Q(incident__in=Incident.objects.visible_to(person))
        return self.filter(seen).select_related("cluster", "incident", "decided_by").order_by("-last_at", "-id")


class IncidentProposal(models.Model):
    """One signal about one thing, and what people or a policy made of it.

    `name` is the workload's (or the node's) name; a node has no namespace. `counts` is what each row of the
    archive told last, so that a row that is read twice counts once; `count` is their sum.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DECLARED = "declared", "Declared"
        DISMISSED = "dismissed", "Dismissed"
        JOINED = "joined", "Part of an incident"

    signal = models.CharField(max_length=40)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="proposals")
    namespace = models.CharField(max_length=253, blank=True)
    kind = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=300, blank=True)
    title = models.CharField(max_length=TITLE_LIMIT)
    words = models.TextField(blank=True)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveBigIntegerField(default=1)
    counts = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    incident = models.ForeignKey(Incident, on_delete=models.SET_NULL, null=True, blank=True, related_name="proposals")
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(
        blank=True, max_length=2_000, help_text="Why it was dismissed, or not declared by itself."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-last_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "signal", "namespace", "kind", "name"],
                condition=models.Q(state="open"),
                name="one_open_proposal_per_thing",
            )
        ]
        indexes = [
            models.Index(fields=["cluster", "signal", "name", "-id"], name="proposals_of_a_thing"),
            models.Index(fields=["state", "-last_at"], name="proposals_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.state})"

    @property
    def rule(self) -> Rule | None:
        """None for a signal of another release."""
        return BY_NAME.get(self.signal)

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def thing(self) -> tuple[int, str, str, str, str]:
        return self.cluster_id, self.signal, self.namespace, self.kind, self.name


class SignalWatch(models.Model):
    """How far the archive was looked through; the row of a name is the lock of who looks."""

    name = models.CharField(max_length=20, primary_key=True)
    looked_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} until {self.looked_until:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def held(cls, since: datetime, *, name: str = "archive") -> SignalWatch | None:
        """The row, locked until the caller's transaction ends; None while another worker has it."""
        cls.objects.get_or_create(name=name, defaults={"looked_until": since})
        return cls.objects.select_for_update(skip_locked=True).filter(name=name).first()
