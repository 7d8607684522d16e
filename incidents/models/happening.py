from __future__ import annotations

from django.db import models


class Happening(models.Model):
    """Something that those above are to hear of: written with the deed, gone once all of them have written down theirs."""

    name = models.CharField(max_length=40)
    at = models.DateTimeField()
    told = models.JSONField(default=dict)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.name} {self.at:%H:%M:%S}"
