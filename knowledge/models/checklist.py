from __future__ import annotations

from django.db import models
from django.urls import reverse

from accounts.models import User, Versioned
from incidents.models import Evidence, Incident


class Checklist(Versioned):
    class Kind(models.TextChoices):
        RESPONSE = "response", "Response"
        READINESS = "readiness", "Production readiness"
        RECOVERY = "recovery", "Disaster recovery"
        REVIEW = "review", "Review"

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.RESPONSE)
    description = models.TextField(blank=True, max_length=5_000)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("checklist", args=[self.pk])


class ChecklistItem(models.Model):
    """Removed items stay for the runs that ticked them."""

    checklist = models.ForeignKey(Checklist, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=300)
    why = models.TextField(blank=True, max_length=2_000)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.text


class ChecklistRun(Versioned):
    checklist = models.ForeignKey(Checklist, on_delete=models.PROTECT, related_name="runs")
    incident = models.ForeignKey(
        Incident, on_delete=models.CASCADE, null=True, blank=True, related_name="checklist_runs"
    )
    service = models.CharField(max_length=200, blank=True)
    started_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    finished_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.CheckConstraint(
                name="a_run_belongs_somewhere",
                condition=models.Q(incident__isnull=False) | ~models.Q(service=""),
            )
        ]

    def __str__(self) -> str:
        return f"{self.checklist} {self.started_at:%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        return reverse("checklist-run", args=[self.pk])


class ChecklistTick(models.Model):
    """One item of a run, copied with its text when the run starts: later edits of the list do not rewrite it."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        WAIVED = "waived", "Waived"

    run = models.ForeignKey(ChecklistRun, on_delete=models.CASCADE, related_name="ticks")
    item = models.ForeignKey(ChecklistItem, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=300)
    why = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    note = models.TextField(blank=True, max_length=2_000)
    evidence = models.ForeignKey(Evidence, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
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
