"""Celery's entry points, one file for each kind of work. Each calls one worker function; ids only travel."""

from knowledge.tasks import checking, exporting, indexing, matching

__all__ = ["checking", "exporting", "indexing", "matching"]
