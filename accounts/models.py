"""Who: people, teams, tokens, one-time links, the audit trail; and the version every writable row carries."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Role(models.TextChoices):
    VIEWER = "viewer", "Viewer"
    RESPONDER = "responder", "Responder"
    ADMIN = "admin", "Admin"


class Versioned(models.Model):
    """A row that several people may write: `resource_version` rises with each save and is the ETag."""

    resource_version = models.PositiveBigIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            self.resource_version += 1
            if (fields := kwargs.get("update_fields")) is not None:
                kwargs["update_fields"] = {*fields, "resource_version", "updated_at"}
        super().save(*args, **kwargs)


# Reserved (RFC 6761): mail to it reaches nobody, so nobody can claim an account that has such an address.
STAND_IN_DOMAIN = "@not-linked.invalid"


class People(UserManager["User"]):
    def choosable(self) -> models.QuerySet[User]:
        """Who can be given something to do: not who has left, and no account that stands in for strangers."""
        return self.filter(is_active=True).exclude(email__iendswith=STAND_IN_DOMAIN)

    def find(self, name: str) -> User | None:
        """By username, else by e-mail address."""
        return self.filter(username=name).first() or self.filter(email__iexact=name).first()


class User(AbstractUser):
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.VIEWER)
    zone = models.CharField(
        max_length=64,
        blank=True,
        help_text="IANA time zone, such as Europe/Berlin; empty follows the browser.",
    )

    objects: ClassVar[People] = People()

    class Meta:
        ordering = ["username"]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        return self.name or self.get_full_name() or self.username

    @property
    def is_stand_in(self) -> bool:
        """It acts for people without an account, and nobody can sign in with it."""
        return self.email.lower().endswith(STAND_IN_DOMAIN)

    @property
    def initials(self) -> str:
        words = self.display_name.replace(".", " ").split()
        return ("".join(word[0] for word in words[:2]) if len(words) > 1 else self.display_name[:2]).upper()


class Team(models.Model):
    name = models.CharField(max_length=80, unique=True)
    members = models.ManyToManyField(User, related_name="teams", blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """Only the sha256 is kept; `prefix` is what people recognise it by."""

    class Scope(models.TextChoices):
        READ = "read", "Read"
        WRITE = "write", "Read and write"
        INGEST = "ingest", "Push logs and traces"
        ADMIN = "admin", "Everything the owner may do"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=12, choices=Scope.choices))
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now) and self.user.is_active


class SignInLink(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_in_links")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"for {self.user} until {self.expires_at:%Y-%m-%d %H:%M} UTC"


class AuditEvent(models.Model):
    """Who did what; rows are only ever added."""

    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=150, blank=True)
    via = models.CharField(max_length=40, blank=True, help_text="page, api token prefix, cli or system")
    verb = models.CharField(max_length=60)
    target = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["verb", "-at"])]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.verb} {self.target}"


class IdempotencyKey(models.Model):
    """The answer to a POST, kept for a day, so that a repeated one is not done twice."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    path = models.CharField(max_length=300)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_answer_per_idempotency_key")]

    def __str__(self) -> str:
        return self.key
