"""One check put to its judge: whatever happens, there is a finding in words."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from knowledge.checks import CHECKS, UNKNOWN, Finding, InvalidParam, Readings
from telemetry.redaction import Redactor

log = logging.getLogger(__name__)


def judge(name: str, params: Mapping[str, Any], readings: Readings) -> Finding:
    """Never raises for what a backend or a parameter is; what cannot be judged is unknown."""
    check = CHECKS.get(name)
    if check is None:
        return Finding(UNKNOWN, f"Debrief has no check named {name!r} any more.", "Choose another check for the item.")
    try:
        return check.judge(readings, check.clean(params))
    except InvalidParam as problem:
        return Finding(UNKNOWN, f"The parameter {problem}.", "Correct it in the checklist.")
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as problem:
        # The server's JSON is not of the shape that its API promises.
        log.warning("check %s met an unexpected shape", name, exc_info=True)
        words = f"An object has an unexpected shape ({type(problem).__name__})."
        return Finding(UNKNOWN, words, "Report it with the server's version.")


def written(finding: Finding) -> dict[str, Any]:
    """As the rows keep it, without what looks like a secret."""
    redactor = Redactor()
    return {
        "verdict": finding.verdict,
        "verdict_reason": redactor.text(finding.reason).text[:2_000],
        "verdict_remedy": redactor.text(finding.remedy).text[:4_000],
        "facts": redactor.value(finding.facts.as_json()).value,
    }
