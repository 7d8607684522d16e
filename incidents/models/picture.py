from __future__ import annotations

from django.db import models
from django.urls import reverse

from accounts.models import User
from incidents.models.incident import Incident


class Picture(models.Model):
    """An image that somebody pasted: checked, drawn anew without its metadata, kept beside the incident."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="pictures")
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text="Bytes, as stored.")
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["incident", "sha256"], name="a_picture_once_per_incident")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("picture", args=[self.incident.number, self.pk])
