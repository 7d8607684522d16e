from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models.functions import Upper

from incidents.models import Incident


class SearchDocument(models.Model):
    """One thing that search finds, brought up to date when the thing changes.

    `ref` is the primary key of the thing, `key` what people call it. `incident` decides who may see it; a lesson has
    `lesson` instead, whose own rule counts. `body` is plain text of at most 60,000 characters.
    """

    class Kind(models.TextChoices):
        INCIDENT = "incident", "Incidents"
        POSTMORTEM = "postmortem", "Post-mortems"
        LESSON = "lesson", "Lessons"
        CHECKLIST = "checklist", "Checklists"
        TIMELINE = "timeline", "Timeline"
        EVIDENCE = "evidence", "Evidence"
        FOLLOWUP = "followup", "Follow-ups"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    ref = models.PositiveBigIntegerField()
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    lesson = models.ForeignKey("knowledge.Lesson", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    key = models.CharField(max_length=40, blank=True)
    title = models.CharField(max_length=300)
    keywords = models.TextField(blank=True, help_text="Names as they are written: services, reasons, labels.")
    body = models.TextField(blank=True)
    url = models.CharField(max_length=300)
    severity = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=20, blank=True)
    services = ArrayField(models.CharField(max_length=200), default=list)
    namespaces = ArrayField(models.CharField(max_length=63), default=list)
    reasons = ArrayField(models.CharField(max_length=200), default=list)
    at = models.DateTimeField()
    version = models.PositiveBigIntegerField(default=0)
    # What people wrote is looked at before what was collected.
    is_collected = models.GeneratedField(
        expression=models.Case(
            models.When(kind__in=["timeline", "evidence"], then=models.Value(True)), default=models.Value(False)
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    # In the database, so that no writer can forget it.
    vector = models.GeneratedField(
        expression=SearchVector("title", weight="A", config="english")
        + SearchVector("keywords", weight="B", config="english")
        + SearchVector("body", weight="D", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "ref"], name="a_thing_is_found_once")]
        indexes = [
            GinIndex(fields=["vector"], name="search_vector"),
            models.Index(fields=["incident", "kind"], name="search_of_an_incident"),
            models.Index(fields=["is_collected", "-at"], name="search_in_order"),
            models.Index(fields=["key"], condition=~models.Q(key=""), name="search_by_key"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.title}"


class SearchWord(models.Model):
    """A word that stands in some document, for help with typing errors."""

    word = models.CharField(max_length=60, primary_key=True)

    class Meta:
        indexes = [GinIndex(OpClass(Upper("word"), name="gin_trgm_ops"), name="search_word_trigrams")]

    def __str__(self) -> str:
        return self.word


class SearchCursor(models.Model):
    """How far the sweep has come with what is written many at a time: everything before (`at`, `ref`) is in."""

    kind = models.CharField(max_length=10, choices=SearchDocument.Kind.choices, primary_key=True)
    at = models.DateTimeField()
    ref = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.kind} up to {self.at:%Y-%m-%d %H:%M:%S}"
