"""The SQL of a search: one pass over what matches gives the page, the counts and the facets.

Conditions are written here or by Django; what people typed goes in as parameters alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from accounts.models import User
from incidents.models import Incident
from incidents.models.incident import OPEN_STATUSES
from knowledge.models import Lesson
from knowledge.search.parsing import Asked

WHOLE = "websearch_to_tsquery('english', %(words)s)"
# Whoever types has not finished the last word.
TYPING = f"({WHOLE} || (websearch_to_tsquery('english', %(finished)s) && to_tsquery('english', %(begun)s)))"
# A word that stands nearly everywhere is ranked and counted among so many: what people wrote first, then the newest
# evidence. Ranking reads each text, so that without a bound a common word costs more than the rarest is worth.
CONSIDERED = 5_000
# The query stands in each place as itself: a constant, by which the planner knows how much it finds.
SEARCH = """WITH found AS MATERIALIZED (
    SELECT d.id, d.kind, d.severity, d.services, d.reasons, d.at, d.is_collected, d.is_key, {rank} AS rank FROM (
        {named}(SELECT {columns}, false AS is_key FROM knowledge_searchdocument d WHERE {where}
        ORDER BY d.is_collected, d.at DESC LIMIT %(considered)s)
    ) d
), chosen AS ({chosen}), page AS (
    SELECT id, row_number() OVER () AS place
    FROM (SELECT id FROM chosen ORDER BY {order} OFFSET %(start)s LIMIT %(size)s) p
)
SELECT 'total', '', count(*) FROM chosen
UNION ALL SELECT 'stem', unnest(tsvector_to_array(to_tsvector('english', %(words)s))), 0
UNION ALL SELECT 'kind', kind, count(*) FROM found GROUP BY kind
UNION ALL SELECT 'severity', severity, count(*) FROM chosen WHERE severity <> '' GROUP BY severity
UNION ALL SELECT 'service', s, count(*) FROM chosen, unnest(services) s GROUP BY s
UNION ALL SELECT 'reason', r, count(*) FROM chosen, unnest(reasons) r GROUP BY r
UNION ALL SELECT 'page', id::text, place FROM page"""
COLUMNS = "d.id, d.kind, d.severity, d.services, d.reasons, d.at, d.is_collected, d.vector"
# INC-42 itself, whatever else speaks of it.
NAMED = """(SELECT {columns}, true AS is_key FROM knowledge_searchdocument d WHERE d.key = %(key)s AND {where}) UNION ALL """
NEWEST = "at DESC, id"
# Half as much again for what is of today, nothing for what is years old. What people wrote comes before evidence that
# says the same: a pod's name in twenty titles would push the post-mortem off the page.
BEST = f"""is_key DESC, rank * CASE WHEN is_collected THEN 0.4 ELSE 1 END * (1 + 0.5 / (1 + greatest(0, extract(epoch FROM now() - at)::float8) / 7776000)) DESC, {NEWEST}"""
ANY = "SELECT 1 FROM knowledge_searchdocument d WHERE {where} LIMIT 1"
# Of body, nothing, names and title.
WEIGHTS = "{0.1, 0.2, 0.4, 1.0}"


class Statement:
    """The SQL of one search for one person; `any_of` asks only whether there is something."""

    def __init__(self, asked: Asked, person: User, *, typing: bool = False) -> None:
        self.asked = asked
        finished, _, begun = asked.words.rpartition(" ")
        is_begun = typing and begun.isalnum()
        self.query = TYPING if is_begun else WHOLE
        self.params: dict[str, Any] = {"words": asked.words, "key": asked.key, "weights": WEIGHTS}
        if is_begun:
            self.params |= {"finished": finished, "begun": f"{begun}:*"}
        allowed = [self._visible(person), *self._filters()]
        matching = [f"d.vector @@ {self.query}"] if asked.words else []
        self.named = NAMED.format(columns=COLUMNS, where=" AND ".join(allowed)) if asked.key else ""
        # What is named comes first, and not twice.
        others = ["d.key <> %(key)s"] if asked.key else []
        self.where = " AND ".join([*allowed, *matching, *others])

    def _visible(self, person: User) -> str:
        """Django writes the subqueries, so that who sees what is said in one place alone."""
        parts = ["(d.incident_id IS NULL AND d.lesson_id IS NULL)"]
        for column, rows in (("incident", Incident.objects), ("lesson", Lesson.objects)):
            query = rows.visible_to(person).order_by().values("pk").query
            sql, params = query.sql_with_params()
            for place, value in enumerate(params):
                name = f"{column}_{place}"
                self.params[name] = value
                sql = sql.replace("%s", f"%({name})s", 1)
            parts.append(f"d.{column}_id IN ({sql})")
        return f"({' OR '.join(parts)})"

    def _filters(self) -> list[str]:
        asked, found = self.asked, []
        for name, sql in (
            ("service", "d.services && %(service)s::varchar[]"),
            ("namespace", "d.namespaces && %(namespace)s::varchar[]"),
            ("reason", "d.reasons && %(reason)s::varchar[]"),
            ("severity", "upper(d.severity) = ANY(%(severity)s)"),
            ("status", "d.status = ANY(%(status)s)"),
        ):
            if values := asked.only(name):
                self.params[name] = _values(name, values)
                found.append(sql)
        for name, sql in (("before", "d.at < %(before)s"), ("after", "d.at >= %(after)s")):
            if (at := getattr(asked, name)) is not None:
                self.params[name] = at
                found.append(sql)
        return found

    def run(self, *, start: int, size: int, newest: bool) -> list[tuple[Any, ...]]:
        """Rows of ("total" | "stem" | a facet | "page", value, count or place)."""
        kinds = list(self.asked.only("kind"))
        text = SEARCH.format(
            where=self.where,
            columns=COLUMNS,
            named=self.named,
            rank=f"ts_rank(%(weights)s::real[], d.vector, {self.query})" if self.asked.words else "0",
            chosen="SELECT * FROM found WHERE kind = ANY(%(kinds)s)" if kinds else "SELECT * FROM found",
            order=NEWEST if newest or not self.asked.words else BEST,
        )
        params = {**self.params, "kinds": kinds, "start": start, "size": size, "considered": CONSIDERED}
        with connection.cursor() as cursor:
            cursor.execute(text, params)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def any_of(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(ANY.format(where=self.where), self.params)
            return bool(cursor.fetchone())


def _values(name: str, values: Sequence[str]) -> list[str]:
    if name == "severity":
        return [value.upper() for value in values]
    if name == "status":
        wanted = [value.lower().replace(" ", "_").replace("-", "_") for value in values]
        return [*wanted, *(OPEN_STATUSES if "open" in wanted else [])]
    return list(values)
