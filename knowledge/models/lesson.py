from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse

from accounts.models import User, Versioned
from incidents.models import Incident, PostMortem

SIGNAL_KINDS = {"workload": "Workload", "reason": "Event reason", "alert": "Alert"}


class LessonQuerySet(models.QuerySet["Lesson"]):
    def visible_to(self, person: Any) -> LessonQuerySet:
        """A lesson is for everybody unless every post-mortem it came from is hidden from the person."""
        seen = Incident.objects.visible_to(person)
        return self.filter(models.Q(postmortems=None) | models.Q(postmortems__incident__in=seen)).distinct()

    def valid(self) -> LessonQuerySet:
        return self.exclude(state=Lesson.State.RETIRED)

    def matching(self, text: str) -> LessonQuerySet:
        wanted = text.strip()
        number = wanted.upper().removeprefix("L-")
        if number.isascii() and number.isdigit() and len(number) < 10:
            return self.filter(number=int(number))
        query = self
        for word in wanted.split()[:8]:
            query = query.filter(
                models.Q(statement__icontains=word)
                | models.Q(context__icontains=word)
                | models.Q(tags__icontains=word)
                | models.Q(services__icontains=word)
            )
        return query


class Lesson(Versioned):
    """One sentence worth reading aloud, with where it came from.

    `signals`: `[{"kind": one of SIGNAL_KINDS, "value": "checkout" | "BackOff" | "CheckoutErrors"}]`, by which it
    is brought back. `quote` is the passage of `quoted_from` that it was drawn from.
    """

    class State(models.TextChoices):
        WRITTEN = "written", "Written"
        CONFIRMED = "confirmed", "Confirmed"
        DISPUTED = "disputed", "Disputed"
        RETIRED = "retired", "Retired"

    number = models.PositiveIntegerField(unique=True, editable=False)
    statement = models.CharField(max_length=300)
    context = models.TextField(blank=True, max_length=20_000)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    services = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    signals = models.JSONField(default=list, blank=True)
    postmortems = models.ManyToManyField(PostMortem, blank=True, related_name="lessons")
    quote = models.TextField(blank=True, max_length=5_000)
    quoted_from = models.ForeignKey(PostMortem, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WRITTEN)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = LessonQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.key} {self.statement}"

    @property
    def key(self) -> str:
        return f"L-{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("lesson", args=[self.number])


class LessonVerdict(models.Model):
    """Who confirmed, disputed or retired a lesson, when and why; rows are only ever added."""

    lesson = models.ForeignKey(Lesson, on_delete=models.CASCADE, related_name="verdicts")
    state = models.CharField(max_length=10, choices=Lesson.State.choices)
    reason = models.TextField(blank=True, max_length=2_000)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="doubts_about_lessons_say_why",
                condition=~models.Q(state__in=["disputed", "retired"]) | ~models.Q(reason=""),
            )
        ]

    def __str__(self) -> str:
        return f"{self.lesson_id} {self.state}"


class LessonShowing(models.Model):
    """A lesson that came back in an incident, and whether it helped there. `reasons` are words: why it was shown."""

    class Answer(models.TextChoices):
        NONE = "", "No answer yet"
        HELPED = "helped", "Helped"
        IGNORED = "ignored", "Did not help"

    lesson = models.ForeignKey(Lesson, on_delete=models.CASCADE, related_name="showings")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="lesson_showings")
    reasons = ArrayField(models.CharField(max_length=300), default=list)
    answer = models.CharField(max_length=8, choices=Answer.choices, blank=True, default=Answer.NONE)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(null=True, blank=True)
    shown_at = models.DateTimeField()

    class Meta:
        ordering = ["-shown_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["lesson", "incident"], name="a_lesson_once_per_incident")]

    def __str__(self) -> str:
        return f"{self.lesson_id} in {self.incident_id}"


class ImportedDocument(models.Model):
    """A post-mortem that came from a file; `digest` is the sha256 of the file, so that nothing comes twice."""

    digest = models.CharField(max_length=64, unique=True)
    path = models.CharField(max_length=500)
    postmortem = models.OneToOneField(PostMortem, on_delete=models.CASCADE, related_name="imported")
    imported_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    imported_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.path
