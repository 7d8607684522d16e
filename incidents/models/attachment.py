from __future__ import annotations

from django.db import models
from django.urls import reverse

from incidents.models.incident import Incident


class Attachment(models.Model):
    """A file that somebody gave to an incident and that is no picture: kept as it came, only ever downloaded."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=200)
    size = models.PositiveIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()
    given_by = models.CharField(max_length=120, blank=True, help_text="A name: whoever gave it may have no account.")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["incident", "sha256"], name="a_file_once_per_incident")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("attachment", args=[self.incident.number, self.pk])
