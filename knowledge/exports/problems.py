"""Why a file could not be made, in words for the person who asked for it."""

from __future__ import annotations


class ExportProblem(Exception):
    retryable = False
