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

# What is newer comes first among equals: half as much again for today, nothing after some years.
EITHER = "websearch_to_tsquery('english', %(words)s) || websearch_to_tsquery('simple', %(words)s)"
# What is not wanted must be missing in either way of writing it.
WITHOUT = "websearch_to_tsquery('english', %(without)s) && websearch_to_tsquery('simple', %(without)s)"
WHOLE = f"({EITHER}) && ({WITHOUT})"
# Whoever types has not finished the last word.
TYPING = f"{WHOLE} || (websearch_to_tsquery('english', %(finished)s) && to_tsquery('simple', %(begun)s))"
QUERY, QUERY_TYPING = f"WITH q AS (SELECT {WHOLE} AS query)", f"WITH q AS (SELECT {TYPING} AS query)"
SEARCH = """, found AS MATERIALIZED (
    SELECT d.id, d.kind, d.severity, d.services, d.reasons, d.at, (%(key)s <> '' AND d.key = %(key)s) AS is_key,
        ts_rank(%(weights)s::real[], d.vector, q.query, 1)
            * (1 + 0.5 / (1 + extract(epoch FROM greatest(now() - d.at, interval '0')) / 7776000)) AS rank
    FROM knowledge_searchdocument d, q WHERE {where}
), chosen AS (SELECT * FROM found WHERE %(any_kind)s OR kind = ANY(%(kinds)s)),
page AS (
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
ANY = " SELECT 1 FROM knowledge_searchdocument d, q WHERE {where} LIMIT 1"
# Of body, nothing, names and title.
WEIGHTS = "{0.1, 0.2, 0.4, 1.0}"


class Statement:
    """The SQL of one search for one person; `any_of` asks only whether there is something."""

    def __init__(self, asked: Asked, person: User, *, typing: bool = False) -> None:
        self.asked = asked
        finished, _, begun = asked.words.rpartition(" ")
        is_begun = typing and begun.isalnum()
        self.query = QUERY_TYPING if is_begun else QUERY
        self.params: dict[str, Any] = {
            "words": asked.wanted,
            "without": asked.unwanted,
            "key": asked.key,
            "weights": WEIGHTS,
        }
        if is_begun:
            self.params |= {"finished": finished, "begun": f"{begun}:*"}
        self.conditions = [self._visible(person), *self._filters()]
        if asked.words:
            self.conditions.append("(d.vector @@ q.query OR (%(key)s <> '' AND d.key = %(key)s))")

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
        kinds = list(self.asked.only("kind"))
        order = "at DESC, rank DESC" if newest or not self.asked.words else "is_key DESC, rank DESC, at DESC"
        params = {**self.params, "kinds": kinds, "any_kind": not kinds, "start": start, "size": size}
        with connection.cursor() as cursor:
            cursor.execute(self.query + SEARCH.format(where=" AND ".join(self.conditions), order=order), params)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def any_of(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(self.query + ANY.format(where=" AND ".join(self.conditions)), self.params)
            return bool(cursor.fetchone())


def _values(name: str, values: Sequence[str]) -> list[str]:
    if name == "severity":
        return [value.upper() for value in values]
    if name == "status":
        wanted = [value.lower().replace(" ", "_").replace("-", "_") for value in values]
        return [*wanted, *(OPEN_STATUSES if "open" in wanted else [])]
    return list(values)
