"""Celery's entry points, one file for each kind of work. Each calls one worker function; ids only travel."""

from knowledge.tasks import checking

__all__ = ["checking"]
