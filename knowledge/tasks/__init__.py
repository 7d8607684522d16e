"""Celery's entry points, one file for each kind of work. Each calls one worker function; ids only travel."""

from knowledge.tasks import exporting, indexing, matching

__all__ = ["exporting", "indexing", "matching"]
