from __future__ import annotations

from typing import Any

from django.db import models
from django.urls import reverse

from accounts.models import User, Versioned
from incidents.models import Incident, PostMortem
from knowledge.models.lesson import Lesson


class BrownBagSession(Versioned):
    """An hour of telling each other what happened, made of post-mortems and lessons."""

    title = models.CharField(max_length=200)
    held_at = models.DateTimeField(null=True, blank=True)
    host = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="hosted_brownbags")
    audience = models.CharField(max_length=200, blank=True)
    introduction = models.TextField(blank=True, max_length=20_000)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("brownbag", args=[self.pk])


class BrownBagItemQuerySet(models.QuerySet["BrownBagItem"]):
    def visible_to(self, person: Any) -> BrownBagItemQuerySet:
        incidents, lessons = Incident.objects.visible_to(person), Lesson.objects.visible_to(person)
        return self.filter(models.Q(postmortem__incident__in=incidents) | models.Q(lesson__in=lessons))


class BrownBagItem(models.Model):
    """An agenda item: a post-mortem or a lesson, never both."""

    session = models.ForeignKey(BrownBagSession, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField()
    postmortem = models.ForeignKey(
        PostMortem, on_delete=models.CASCADE, null=True, blank=True, related_name="brownbag_items"
    )
    lesson = models.ForeignKey(Lesson, on_delete=models.CASCADE, null=True, blank=True, related_name="brownbag_items")
    minutes = models.PositiveSmallIntegerField(default=10)
    notes = models.TextField(blank=True, max_length=5_000)

    objects = BrownBagItemQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                name="an_item_is_one_thing",
                condition=models.Q(postmortem__isnull=False, lesson=None)
                | models.Q(postmortem=None, lesson__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return str(self.postmortem or self.lesson)
