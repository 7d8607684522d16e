"""What keeps a text that several people write at once: the shared document, its updates, and every edit by version."""

from __future__ import annotations

import uuid

from django.db import models

from accounts.models import User
from incidents.models.incident import TITLE_LIMIT
from incidents.models.postmortem import PostMortem


class SharedDocument(models.Model):
    """The CRDT behind a post-mortem's text. `snapshot` holds all updates up to `snapshot_through`.

    `written_through` is the last update whose effect stands in PostMortem.title and .body.
    """

    postmortem = models.OneToOneField(PostMortem, on_delete=models.CASCADE, related_name="document")
    guid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    snapshot = models.BinaryField(default=bytes)
    snapshot_through = models.PositiveBigIntegerField(default=0)
    written_through = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.guid)


class SharedUpdate(models.Model):
    """One update as it arrived. Ids of a document rise in the order of commits: appending locks the document."""

    document = models.ForeignKey(SharedDocument, on_delete=models.CASCADE, related_name="updates")
    payload = models.BinaryField()
    author = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["document", "id"])]

    def __str__(self) -> str:
        return f"{self.document_id}/{self.pk}"


class Edit(models.Model):
    """What one person's writing changed between two versions: at `start` (in characters) `inserted` took the place of
    `removed`. Read backwards from the text of today they give the text of each earlier version.
    """

    class Field(models.TextChoices):
        TITLE = "title", "Title"
        BODY = "body", "Text"

    postmortem = models.ForeignKey(PostMortem, on_delete=models.CASCADE, related_name="edits")
    version = models.PositiveBigIntegerField(help_text="The resource_version that this edit led to.")
    field = models.CharField(max_length=5, choices=Field.choices, default=Field.BODY)
    start = models.PositiveIntegerField()
    removed = models.TextField(blank=True)
    inserted = models.TextField(blank=True)
    author = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    via = models.CharField(max_length=20, default="page", help_text="page, api, draft, suggestion, restore or merge")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["postmortem", "version"])]

    def __str__(self) -> str:
        return f"{self.postmortem_id} v{self.version} at {self.start}"


class SetAside(models.Model):
    """A text that could not be merged into the one that stands. It stays until a person has compared the two."""

    class Outcome(models.TextChoices):
        MERGED = "merged", "Merged by hand"
        DISMISSED = "dismissed", "The current text was kept"

    postmortem = models.ForeignKey(PostMortem, on_delete=models.CASCADE, related_name="set_aside")
    based_on = models.PositiveBigIntegerField()
    title = models.CharField(max_length=TITLE_LIMIT)
    body = models.TextField(blank=True)
    sections = models.JSONField(default=list, help_text="The headings under which both sides wrote.")
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    via = models.CharField(max_length=20, default="api")
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "set aside"
        constraints = [models.UniqueConstraint(fields=["postmortem", "digest"], name="a_text_is_set_aside_once")]

    def __str__(self) -> str:
        return f"{self.postmortem} of {self.created_at:%Y-%m-%d %H:%M}"
