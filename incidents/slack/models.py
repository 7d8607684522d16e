"""What Debrief keeps of Slack: who is who, which channel is whose, what was captured, what came in."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import User
from incidents.models import Attachment, Incident, Picture, TimelineEntry
from incidents.models.delivery import UNFINISHED, Queued

TEXT_LIMIT = 40_000


class SlackSettings(models.Model):
    """The one row of choices that an admin makes on the page; secrets come from the environment."""

    class Deleted(models.TextChoices):
        KEEP = "keep", "Keep its text"
        DROP = "drop", "Drop its text"

    central_channel = models.CharField(max_length=80, default="incidents", blank=True)
    channel_template = models.CharField(max_length=80, default="inc-{number}-{title}")
    invite = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    pin_emoji = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    on_deleted = models.CharField(max_length=4, choices=Deleted.choices, default=Deleted.KEEP)
    update_template = models.TextField(max_length=3_000, blank=True)
    digest_hour = models.PositiveSmallIntegerField(default=9)
    archive_after_days = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "slack settings"
        constraints = [models.CheckConstraint(name="one_row_of_slack_settings", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return "Slack settings"


class Workspace(models.Model):
    """Who the bot token belongs to, as auth.test said last; kept so that no request waits for Slack to say it."""

    token_digest = models.CharField(max_length=64, unique=True)
    team_id = models.CharField(max_length=30)
    team = models.CharField(max_length=200, blank=True)
    url = models.CharField(max_length=300, blank=True)
    bot_user_id = models.CharField(max_length=30)
    bot_id = models.CharField(max_length=30, blank=True)
    app_id = models.CharField(max_length=30, blank=True)
    scopes = ArrayField(models.CharField(max_length=60), default=list)
    checked_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.team or self.team_id


class SlackPerson(models.Model):
    """Somebody in Slack; `user` is who they are here, found by e-mail and kept by Slack id."""

    slack_id = models.CharField(max_length=30, unique=True)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="slack_people")
    name = models.CharField(max_length=120)
    email = models.CharField(max_length=254, blank=True)
    zone = models.CharField(max_length=64, blank=True)
    is_bot = models.BooleanField(default=False)
    is_gone = models.BooleanField(default=False, help_text="Slack says that the account was deactivated.")
    checked_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "slack people"

    def __str__(self) -> str:
        return self.name

    @property
    def reader(self) -> User | None:
        """Who they are here as far as that still counts: None for strangers and for who has left, here or in Slack."""
        return self.user if self.user is not None and self.user.is_active and not self.is_gone else None


class SlackGroup(models.Model):
    """A user group by its id, for names in texts and for inviting its members."""

    slack_id = models.CharField(max_length=30, unique=True)
    handle = models.CharField(max_length=120)
    name = models.CharField(max_length=200, blank=True)
    checked_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.handle


class SlackChannel(models.Model):
    """The channel of an incident and what stands in it. `shown` keeps what was last written, to write only changes."""

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, related_name="slack_channel")
    channel_id = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=80)
    is_private = models.BooleanField(default=False)
    headline_ts = models.CharField(max_length=30, blank=True)
    central_id = models.CharField(max_length=30, blank=True)
    central_ts = models.CharField(max_length=30, blank=True)
    shown = models.JSONField(default=dict, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"#{self.name}"


class SlackMessage(models.Model):
    """A message of an incident's channel that somebody put on the timeline.

    `reasons` say why it is there: `pin`, `shortcut:U1`, `reaction:pushpin:U1`; without any it is hidden.
    `text` is Markdown and whole; the line may show less.
    """

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="slack_messages")
    channel_id = models.CharField(max_length=30)
    ts = models.CharField(max_length=30)
    thread_ts = models.CharField(max_length=30, blank=True)
    author = models.ForeignKey(SlackPerson, on_delete=models.SET_NULL, null=True, related_name="+")
    entry = models.OneToOneField(TimelineEntry, on_delete=models.SET_NULL, null=True, related_name="slack_message")
    reasons = ArrayField(models.CharField(max_length=160), default=list)
    text = models.TextField()
    version = models.CharField(max_length=30, blank=True, help_text="The ts of the last edit that was taken over.")
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel_id", "ts"], name="a_message_once")]

    def __str__(self) -> str:
        return f"{self.channel_id} {self.ts}"


class SlackFile(models.Model):
    """A file of a captured message: fetched into a picture or an attachment, or why it was not."""

    message = models.ForeignKey(SlackMessage, on_delete=models.CASCADE, related_name="files")
    slack_id = models.CharField(max_length=30)
    name = models.CharField(max_length=200)
    picture = models.ForeignKey(Picture, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    attachment = models.ForeignKey(Attachment, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "slack_id"], name="a_file_of_a_message_once")]

    def __str__(self) -> str:
        return self.name


class SlackRequest(Queued):
    """Something that Slack sent and that is worked on after it was acknowledged; `key` is Slack's own id for it."""

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=40)
    payload = models.JSONField()
    incident = models.ForeignKey(Incident, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["lane", "id"], condition=models.Q(state__in=UNFINISHED), name="requests_to_do"),
            models.Index(fields=["created_at"], name="requests_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.state})"


class Pause(models.Model):
    """Until when Slack asked not to be called with `method` (429, Retry-After)."""

    method = models.CharField(max_length=60, unique=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.method} until {self.until:%H:%M:%S}"
