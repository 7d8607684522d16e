"""Paged lists of pages: newest first by number, a cursor that survives new rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from incidents.models.incident import IncidentQuerySet, Kind, Status

PAGE = 30


def narrowed_incidents(rows: IncidentQuerySet, chosen: Mapping[str, str]) -> IncidentQuerySet:
    """By `q`, `status` (one of them, or open), `severity` and `kind`, as the page of incidents asks; what it does not
    know narrows nothing."""
    if (text := chosen.get("q", "")).strip():
        rows = rows.matching(text[:200])
    if chosen.get("status") == "open":
        rows = rows.open()
    elif chosen.get("status") in Status.values:
        rows = rows.filter(status=chosen["status"])
    if chosen.get("severity"):
        rows = rows.filter(severity__name=chosen["severity"][:20])
    return rows.filter(kind=chosen["kind"]) if chosen.get("kind") in Kind.values else rows


@dataclass(frozen=True, slots=True)
class Page:
    """`rows` of this page, and the addresses (query strings) of the neighbours, empty where there is none."""

    rows: list[Any]
    next: str
    first: str


def page_of(request: HttpRequest, rows: QuerySet[Any], *, key: str = "number", size: int = PAGE) -> Page:
    """`?before=N` continues below the row whose `key` is N."""
    before = request.GET.get("before", "")
    chosen = rows.order_by(f"-{key}")
    if before.isascii() and before.isdigit() and len(before) < 18:
        chosen = chosen.filter(**{f"{key}__lt": int(before)})
    found = list(chosen[: size + 1])
    query = request.GET.copy()
    query.pop("before", None)
    first = f"?{query.urlencode()}" if before else ""
    following = ""
    if len(found) > size:
        query["before"] = str(getattr(found[size - 1], key))
        following = f"?{query.urlencode()}"
    return Page(found[:size], following, first)
