"""Query templates of every language, read once for all sources of a round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from telemetry.models import QueryTemplate, Source
from telemetry.registry import COLLECTORS


@dataclass(frozen=True, slots=True)
class Templates:
    rows: list[QueryTemplate]

    def of(self, source: Source) -> list[dict[str, Any]]:
        """Entries for the sources of their language; a collector's plan picks those of the scope."""
        kind = COLLECTORS.get(source.kind)
        language = kind.facts.language if kind else ""
        return [row.entry() for row in self.rows if row.language == language and row.source_id in {None, source.pk}]


def enabled_templates() -> Templates:
    """One query."""
    return Templates(list(QueryTemplate.objects.filter(enabled=True)))
