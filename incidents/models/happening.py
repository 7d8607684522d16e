from __future__ import annotations

from django.db import models
from django.utils import timezone


class Happening(models.Model):
    """Something that those above are to hear of: written with the deed, gone once all of them have written down theirs."""

    name = models.CharField(max_length=40)
    at = models.DateTimeField()
    told = models.JSONField(default=dict)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(
        default=timezone.now, db_index=True, help_text="When it is told again, if it must be."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.name} {self.at:%H:%M:%S}"
