from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse

from accounts.models import User, Versioned
from incidents.models import Incident, PostMortem


class LessonQuerySet(models.QuerySet["Lesson"]):
    def visible_to(self, person: Any) -> LessonQuerySet:
        """A lesson is for everybody unless every post-mortem it came from is hidden from the person."""
        seen = Incident.objects.visible_to(person)
        return self.filter(models.Q(postmortems=None) | models.Q(postmortems__incident__in=seen)).distinct()

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
    """One sentence worth reading aloud, with where it came from."""

    number = models.PositiveIntegerField(unique=True, editable=False)
    statement = models.CharField(max_length=300)
    context = models.TextField(blank=True, max_length=20_000)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    services = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    postmortems = models.ManyToManyField(PostMortem, blank=True, related_name="lessons")
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
