"""What knowledge does when something happened to an incident. Receivers only write rows; the sweep does the work."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Model
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from incidents import signals
from knowledge.matching import request_matching
from knowledge.models import ChecklistItem
from knowledge.search.documents import KINDS
from knowledge.search.indexing import forget, index, is_hidden

SEARCHED = frozenset(KINDS)


@signals.hears(signals.incident_declared)
def declared(incident_id: int, at: datetime, **_: Any) -> None:
    request_matching(incident_id, at)


@signals.hears(signals.evidence_collected)
def collected(incident_id: int, at: datetime, **_: Any) -> None:
    request_matching(incident_id, at)


@signals.hears(signals.incident_changed)
def changed(incident_id: int, at: datetime, change: str = "", **_: Any) -> None:
    """Its scope or its words may be others now."""
    if change == "fields":
        request_matching(incident_id, at)


@receiver(post_save)
def saved(sender: type[Model], instance: Model, raw: bool = False, **_: Any) -> None:
    """What a person saves is found at once; what is written many at a time, the sweep brings in."""
    if raw:
        return
    if isinstance(instance, ChecklistItem):
        index([instance.checklist])
    elif sender in SEARCHED and not is_hidden(instance):
        index([instance])
    elif sender in SEARCHED:
        forget(instance)


@receiver(post_delete)
def deleted(sender: type[Model], instance: Model, **_: Any) -> None:
    if sender in SEARCHED:
        forget(instance)
