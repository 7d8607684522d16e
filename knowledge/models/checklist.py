from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.urls import reverse

from accounts.models import User, Versioned
from incidents.models import Evidence, FollowUp, Incident
from knowledge.models.lesson import Lesson
from knowledge.models.target import Targeted


class Checklist(Versioned):
    """`version` rises when the items change; `shipped` is the name under which Debrief brought it, empty for one's own."""

    class Kind(models.TextChoices):
        RESPONSE = "response", "Response"
        READINESS = "readiness", "Production readiness"
        RECOVERY = "recovery", "Disaster recovery"
        REVIEW = "review", "Review"

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.RESPONSE)
    description = models.TextField(blank=True, max_length=5_000)
    version = models.PositiveIntegerField(default=1)
    shipped = models.CharField(max_length=40, blank=True, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("checklist", args=[self.pk])

    def items_now(self) -> list[dict[str, Any]]:
        """The items as they stand, as a version keeps them."""
        return [
            {"text": one.text, "why": one.why, "group": one.group, "check": one.check_name, "params": one.params}
            for one in self.items.filter(removed_at=None)
        ]


class ChecklistVersion(models.Model):
    """A checklist as it once was. `items`: `[{"text", "why", "group", "check", "params"}]`."""

    checklist = models.ForeignKey(Checklist, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Checklist.Kind.choices)
    description = models.TextField(blank=True)
    items = models.JSONField(default=list)
    note = models.CharField(max_length=300, blank=True)
    saved_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["checklist", "number"], name="a_version_once_per_checklist")]

    def __str__(self) -> str:
        return f"{self.name}, version {self.number}"


class ChecklistItem(models.Model):
    """Removed items stay for the runs that ticked them. `check` names an automated check (knowledge.checks)."""

    checklist = models.ForeignKey(Checklist, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=300)
    why = models.TextField(blank=True, max_length=2_000)
    group = models.CharField(max_length=60, blank=True)
    check_name = models.CharField(max_length=40, blank=True)
    params = models.JSONField(default=dict, blank=True)
    lesson = models.ForeignKey(Lesson, on_delete=models.SET_NULL, null=True, blank=True, related_name="checklist_items")
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.text


class ChecklistSchedule(Targeted):
    """A checklist that Debrief starts by itself for one target, every so many hours."""

    checklist = models.ForeignKey(Checklist, on_delete=models.CASCADE, related_name="schedules")
    every_hours = models.PositiveIntegerField(default=24)
    next_at = models.DateTimeField()
    enabled = models.BooleanField(default=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["checklist__name", "id"]
        indexes = [models.Index(fields=["next_at"], condition=models.Q(enabled=True), name="schedules_due")]

    def __str__(self) -> str:
        return f"{self.checklist} for {self.place}"


class CheckState(models.TextChoices):
    IDLE = "", "Not asked"
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Being checked"
    DONE = "done", "Checked"


class Verdict(models.TextChoices):
    NONE = "", "Not checked"
    PASS = "pass", "Pass"
    FAIL = "fail", "Fail"
    UNKNOWN = "unknown", "Unknown"


class ChecklistRun(Versioned, Targeted):
    """A checklist at work for an incident, a service or a drill, with the version it was begun with."""

    checklist = models.ForeignKey(Checklist, on_delete=models.PROTECT, related_name="runs")
    version = models.PositiveIntegerField(default=1)
    incident = models.ForeignKey(
        Incident, on_delete=models.CASCADE, null=True, blank=True, related_name="checklist_runs"
    )
    drill = models.ForeignKey(
        "knowledge.Drill", on_delete=models.SET_NULL, null=True, blank=True, related_name="checklist_runs"
    )
    schedule = models.ForeignKey(
        ChecklistSchedule, on_delete=models.SET_NULL, null=True, blank=True, related_name="runs"
    )
    check_state = models.CharField(max_length=8, choices=CheckState.choices, blank=True, default=CheckState.IDLE)
    check_lease_until = models.DateTimeField(null=True, blank=True)
    check_attempts = models.PositiveSmallIntegerField(default=0)
    checked_at = models.DateTimeField(null=True, blank=True)
    started_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    finished_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.CheckConstraint(
                name="a_run_belongs_somewhere",
                condition=models.Q(incident__isnull=False)
                | ~models.Q(service="")
                | ~models.Q(namespace="")
                | ~models.Q(workload_name=""),
            )
        ]
        indexes = [
            models.Index(
                fields=["check_state", "check_lease_until"],
                condition=models.Q(check_state__in=["queued", "running"]),
                name="runs_being_checked",
            )
        ]

    def __str__(self) -> str:
        return f"{self.checklist} {self.started_at:%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        return reverse("checklist-run", args=[self.pk])


class Checked(models.Model):
    """What an automated check said last.

    `reason` is a sentence for people, `remedy` what they can do; `facts` is `{"columns": [str], "rows": [[str]],
    "request": str, "source": str, "observed_at": ISO time}`: what the verdict was read from.
    """

    verdict = models.CharField(max_length=8, choices=Verdict.choices, blank=True, default=Verdict.NONE)
    verdict_reason = models.TextField(blank=True)
    verdict_remedy = models.TextField(blank=True)
    facts = models.JSONField(default=dict, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class ChecklistTick(Checked):
    """One item of a run, copied with its text when the run starts: later edits of the list do not rewrite it.

    An item with a check is open until the check passes, or somebody waives it; `exception` says that it is excused.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        WAIVED = "waived", "Waived"

    run = models.ForeignKey(ChecklistRun, on_delete=models.CASCADE, related_name="ticks")
    item = models.ForeignKey(ChecklistItem, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=300)
    why = models.TextField(blank=True)
    group = models.CharField(max_length=60, blank=True)
    check_name = models.CharField(max_length=40, blank=True)
    params = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    note = models.TextField(blank=True, max_length=2_000)
    evidence = models.ForeignKey(Evidence, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    followup = models.ForeignKey(
        FollowUp, on_delete=models.SET_NULL, null=True, blank=True, related_name="checklist_ticks"
    )
    exception = models.ForeignKey(
        "knowledge.CheckException", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "item"], name="an_item_once_per_run"),
            models.CheckConstraint(name="waivers_say_why", condition=~models.Q(state="waived") | ~models.Q(note="")),
        ]

    def __str__(self) -> str:
        return self.text

    def is_excused(self, now: datetime) -> bool:
        return self.exception is not None and self.exception.stands(now)

    def is_settled(self, now: datetime) -> bool:
        """Nothing is left to do about it before the run is signed off."""
        return self.state != self.State.OPEN or self.is_excused(now)


class CheckException(Targeted):
    """A failing check that is excused for one target until a day, with a reason and somebody who answers for it."""

    item = models.ForeignKey(ChecklistItem, on_delete=models.CASCADE, related_name="exceptions")
    reason = models.TextField(max_length=2_000)
    owner = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    ends_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["ends_at", "id"]
        constraints = [models.CheckConstraint(name="exceptions_say_why", condition=~models.Q(reason=""))]

    def __str__(self) -> str:
        return f"{self.item} for {self.place} until {self.ends_at:%Y-%m-%d}"

    def stands(self, now: datetime) -> bool:
        return self.withdrawn_at is None and self.ends_at > now


class FollowUpCheck(Checked, Targeted):
    """The check of a follow-up: when it passes the follow-up is proposed as done, when it fails again it is reopened."""

    class State(models.TextChoices):
        WATCHING = "watching", "Watching"
        PROPOSED = "proposed", "Proposed as done"
        ACCEPTED = "accepted", "Accepted as done"
        DECLINED = "declined", "Declined"

    followup = models.OneToOneField(FollowUp, on_delete=models.CASCADE, related_name="check_up")
    check_name = models.CharField(max_length=40)
    params = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WATCHING)
    state_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    check_state = models.CharField(max_length=8, choices=CheckState.choices, blank=True, default=CheckState.IDLE)
    lease_until = models.DateTimeField(null=True, blank=True)
    every_hours = models.PositiveIntegerField(default=6)
    next_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["next_at"], name="followup_checks_due")]

    def __str__(self) -> str:
        return f"{self.followup} {self.check_name}"


class CheckRecord(models.Model):
    """One verdict of a follow-up's check, when it differed from the one before: the story of F-n."""

    check_up = models.ForeignKey(FollowUpCheck, on_delete=models.CASCADE, related_name="records")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    reason = models.TextField(blank=True)
    led_to = models.CharField(max_length=60, blank=True, help_text="What it did, such as: proposed as done.")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.check_up_id} {self.verdict}"
