"""The automated checks, one file for each family. A new one is a judge there and a line in its CHECKS."""

from __future__ import annotations

from knowledge.checks import availability, capacity, observability, probes, scaling, storage
from knowledge.checks.base import FAIL, PASS, UNKNOWN, Check, Finding, InvalidParam, Place, Readings

__all__ = ["CHECKS", "FAIL", "PASS", "UNKNOWN", "Check", "Finding", "InvalidParam", "Place", "Readings"]

FAMILIES = (availability, probes, scaling, capacity, storage, observability)
CHECKS: dict[str, Check] = {check.name: check for family in FAMILIES for check in family.CHECKS}
