from __future__ import annotations

from django.db import models
from django.urls import reverse

from accounts.models import User, Versioned
from incidents.models.incident import TITLE_LIMIT, Incident, Kind, Severity

BODY_LIMIT = 200_000


class PostMortemTemplate(Versioned):
    """Markdown with {variables} and guidance in HTML comments, which readers never see."""

    name = models.CharField(max_length=60, unique=True)
    body = models.TextField(max_length=BODY_LIMIT)
    is_default = models.BooleanField(default=False)
    retired_at = models.DateTimeField(
        null=True, blank=True, help_text="Taken away while post-mortems still name it: kept for them, offered no more."
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_template"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def for_incident(cls, incident: Incident) -> PostMortemTemplate | None:
        """The one chosen for its severity and kind, else the default of all."""
        chosen = TemplateDefault.objects.filter(severity=incident.severity_id, kind=incident.kind)
        found = chosen.select_related("template").first()
        return found.template if found else cls.objects.filter(is_default=True).first()


class TemplateDefault(models.Model):
    """Which template a post-mortem of a severity and kind begins with; without one it is the default of all."""

    severity = models.ForeignKey(Severity, on_delete=models.CASCADE, related_name="template_defaults")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.INCIDENT)
    template = models.ForeignKey(PostMortemTemplate, on_delete=models.CASCADE, related_name="default_for")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["severity", "kind"], name="one_template_per_severity_and_kind")]

    def __str__(self) -> str:
        return f"{self.template} for {self.severity}, {self.kind}"


class PostMortem(Versioned):
    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        IN_REVIEW = "in_review", "In review"
        PUBLISHED = "published", "Published"
        REOPENED = "reopened", "Reopened"

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="postmortem")
    template = models.ForeignKey(PostMortemTemplate, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    title = models.CharField(max_length=TITLE_LIMIT)
    body = models.TextField(blank=True, max_length=BODY_LIMIT)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    due_at = models.DateTimeField(null=True, blank=True)
    edited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    drafted = models.JSONField(default=dict, blank=True, help_text="Per variable of the template: what was drafted.")
    tracked_from = models.PositiveBigIntegerField(default=1, help_text="Versions from here on can be read back.")
    published_title = models.CharField(max_length=TITLE_LIMIT, blank=True)
    published_body = models.TextField(blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="published_postmortems_have_a_time",
                condition=~models.Q(state="published") | models.Q(published_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("postmortem", args=[self.incident.number])

    @property
    def is_untouched(self) -> bool:
        """Nobody has written in it; asks the edits too, for a person may be gone whose words are not."""
        return self.edited_by_id is None and not self.edits.exclude(via="draft").exists()

    @property
    def is_published(self) -> bool:
        return self.published_at is not None


class Revision(models.Model):
    """A text as it once was: kept when another person saves, when half an hour has passed, and at each publication."""

    postmortem = models.ForeignKey(PostMortem, on_delete=models.CASCADE, related_name="revisions")
    version = models.PositiveBigIntegerField()
    title = models.CharField(max_length=TITLE_LIMIT)
    body = models.TextField(blank=True)
    author = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)
    authors = models.ManyToManyField(User, related_name="+", help_text="Who wrote since the revision before.")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.postmortem} v{self.version}"


class Publication(models.Model):
    """A text as readers got it: fixed. A later one takes its place and says in `note` what is new."""

    postmortem = models.ForeignKey(PostMortem, on_delete=models.CASCADE, related_name="publications")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=TITLE_LIMIT)
    body = models.TextField()
    note = models.CharField(max_length=300, blank=True)
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["postmortem", "number"], name="a_publication_once_per_number")]

    def __str__(self) -> str:
        return f"{self.postmortem}, version {self.number}"
