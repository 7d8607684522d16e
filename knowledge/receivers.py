"""What knowledge does when something happened to an incident. Receivers only write rows; the sweep does the work."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Model
from django.db.models.signals import post_delete, post_save

from incidents import signals
from incidents.models import Incident
from knowledge.matching import request_matching
from knowledge.models import ChecklistItem
from knowledge.search.documents import KINDS
from knowledge.search.indexing import follow, forget, index, is_hidden


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


def saved(sender: type[Model], instance: Model, raw: bool = False, **_: Any) -> None:
    """What a person saves is found at once; what is written many at a time, the sweep brings in."""
    if raw:
        return
    if isinstance(instance, ChecklistItem):
        index([instance.checklist])
    elif is_hidden(instance):
        forget(instance)
    else:
        index([instance])
    if isinstance(instance, Incident):
        follow(instance)


def deleted(sender: type[Model], instance: Model, **_: Any) -> None:
    forget(instance)


# One by one: a receiver for every model would make each deletion read its rows first.
MODELS: tuple[type[Model], ...] = tuple(KINDS)
WITH_ITEMS: tuple[type[Model], ...] = (*MODELS, ChecklistItem)
for searched in WITH_ITEMS:
    post_save.connect(saved, sender=searched, dispatch_uid=f"search:saved:{searched.__name__}")
for searched in MODELS:
    post_delete.connect(deleted, sender=searched, dispatch_uid=f"search:deleted:{searched.__name__}")
