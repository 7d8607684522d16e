"""Reviews, comments anchored to the text, suggestions, and links for people outside."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models import User
from incidents.models.postmortem import PostMortem


class Review(models.Model):
    class Verdict(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPROVED = "approved", "Approved"
        CHANGES = "changes", "Asks for changes"

    postmortem = models.ForeignKey(PostMortem, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(User, on_delete=models.CASCADE, related_name="reviews")
    verdict = models.CharField(max_length=10, choices=Verdict.choices, default=Verdict.WAITING)
    comment = models.TextField(blank=True, max_length=5_000)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["postmortem", "reviewer"], name="a_reviewer_once")]

    def __str__(self) -> str:
        return f"{self.reviewer} {self.verdict}"


class Comment(models.Model):
    """A remark on a stretch of the text, an answer in its thread (`parent`), or a suggestion (`replacement`).

    `anchor` is {"start": …, "end": …}, relative positions of the shared document that survive edits; `quote` is the
    text as it was when the comment was made. A comment on the whole has neither.
    """

    postmortem = models.ForeignKey(PostMortem, on_delete=models.CASCADE, related_name="comments")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="answers")
    anchor = models.JSONField(null=True, blank=True)
    quote = models.TextField(blank=True, max_length=5_000)
    body = models.TextField(blank=True, max_length=10_000)
    replacement = models.TextField(null=True, blank=True, max_length=20_000)  # noqa: DJ001  # "" suggests to delete
    author = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    accepted = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="an_accepted_suggestion_is_resolved",
                condition=Q(accepted=False) | Q(resolved_at__isnull=False, replacement__isnull=False),
            ),
            models.CheckConstraint(
                name="an_answer_has_no_anchor", condition=Q(parent__isnull=True) | Q(anchor__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.author} on {self.postmortem}"

    @property
    def resource_version(self) -> int:
        """Rises with each write: the time of the last, in microseconds."""
        return int(self.updated_at.timestamp() * 1_000_000)


class ExternalLink(models.Model):
    """A way for people without an account to the chosen sections of the published text. Only the sha256 is kept."""

    postmortem = models.ForeignKey(PostMortem, on_delete=models.CASCADE, related_name="external_links")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    audience = models.CharField(max_length=120)
    sections = ArrayField(models.CharField(max_length=200))
    with_figures = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    times_seen = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.postmortem} for {self.audience}"

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at
