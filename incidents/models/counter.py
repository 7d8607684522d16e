from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """The last number given to INC-, F- and L-. A sequence would leave gaps where a transaction is rolled back."""

    name = models.CharField(max_length=20, primary_key=True)
    value = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}-{self.value}"

    @classmethod
    def take(cls, name: str) -> int:
        """The next number; the row stays locked until the caller's transaction ends."""
        cls.objects.get_or_create(name=name)
        row = cls.objects.select_for_update().get(name=name)
        row.value += 1
        row.save(update_fields=["value"])
        return row.value
