from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.urls import reverse

from accounts.models import User, Versioned
from incidents.models import FollowUp, Incident, PostMortem
from knowledge.models.lesson import Lesson


class BrownBagSession(Versioned):
    """An hour of telling each other what happened, made of post-mortems and lessons.

    `calendar_uid` and `calendar_sequence` are the invitation's (RFC 5545): a moved session replaces the earlier entry.
    """

    title = models.CharField(max_length=200)
    held_at = models.DateTimeField(null=True, blank=True)
    minutes = models.PositiveSmallIntegerField(default=45, help_text="How long the slot is.")
    place = models.CharField(max_length=300, blank=True, help_text="A room, or the address of a call.")
    host = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="hosted_brownbags")
    audience = models.CharField(max_length=200, blank=True)
    introduction = models.TextField(blank=True, max_length=20_000)
    ended_at = models.DateTimeField(null=True, blank=True)
    notes = models.TextField(blank=True, max_length=20_000, help_text="What was said in the session.")
    followups = models.ManyToManyField(FollowUp, blank=True, related_name="brownbags")
    calendar_uid = models.UUIDField(default=uuid.uuid4, editable=False)
    calendar_sequence = models.PositiveIntegerField(default=0, editable=False)
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
        own = models.Q(postmortem=None, lesson=None)
        return self.filter(own | models.Q(postmortem__incident__in=incidents) | models.Q(lesson__in=lessons))


class BrownBagItem(models.Model):
    """An agenda item: a post-mortem, a lesson, or something with a title of its own such as “Questions”."""

    session = models.ForeignKey(BrownBagSession, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField()
    postmortem = models.ForeignKey(
        PostMortem, on_delete=models.CASCADE, null=True, blank=True, related_name="brownbag_items"
    )
    lesson = models.ForeignKey(Lesson, on_delete=models.CASCADE, null=True, blank=True, related_name="brownbag_items")
    title = models.CharField(max_length=200, blank=True)
    minutes = models.PositiveSmallIntegerField(default=10)
    notes = models.TextField(blank=True, max_length=5_000, help_text="For the speaker alone.")
    questions = models.TextField(blank=True, max_length=2_000, help_text="For the audience, one a line.")

    objects = BrownBagItemQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                name="an_item_is_one_thing",
                condition=models.Q(postmortem__isnull=False, lesson=None, title="")
                | models.Q(postmortem=None, lesson__isnull=False, title="")
                | (models.Q(postmortem=None, lesson=None) & ~models.Q(title="")),
            )
        ]

    def __str__(self) -> str:
        return str(self.postmortem or self.lesson or self.title)


class Attendance(models.Model):
    """Whether somebody means to come to a session, and whether they were there."""

    class Answer(models.TextChoices):
        OPEN = "open", "No answer yet"
        YES = "yes", "Comes"
        NO = "no", "Does not come"

    session = models.ForeignKey(BrownBagSession, on_delete=models.CASCADE, related_name="attendances")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    answer = models.CharField(max_length=4, choices=Answer.choices, default=Answer.OPEN)
    was_there = models.BooleanField(default=False)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["user__name", "id"]
        constraints = [models.UniqueConstraint(fields=["session", "user"], name="one_answer_per_session")]

    def __str__(self) -> str:
        return f"{self.user} {self.answer}"


class Feedback(models.Model):
    """What somebody took from a session; one for each person, and theirs to change."""

    class Useful(models.TextChoices):
        YES = "yes", "Useful"
        PARTLY = "partly", "In part"
        NO = "no", "Not useful"

    session = models.ForeignKey(BrownBagSession, on_delete=models.CASCADE, related_name="feedback")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    useful = models.CharField(max_length=6, choices=Useful.choices)
    text = models.TextField(blank=True, max_length=2_000)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["-changed_at"]
        verbose_name_plural = "feedback"
        constraints = [models.UniqueConstraint(fields=["session", "user"], name="one_feedback_per_session")]

    def __str__(self) -> str:
        return f"{self.user} {self.useful}"
