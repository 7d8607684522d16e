from __future__ import annotations

from django.db import models

from accounts.models import User
from incidents.models.incident import Incident


class Notice(models.Model):
    """Something that one person should know of. `key` keeps the same thing from being said twice."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=120)
    text = models.CharField(max_length=300)
    address = models.CharField(max_length=300)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="a_notice_once_per_person")]

    def __str__(self) -> str:
        return self.text
