"""Help with typing errors: words that stand in documents and are spelt alike."""

from __future__ import annotations

from dataclasses import replace

from django.db import connection

from accounts.models import User
from knowledge.search.parsing import Asked
from knowledge.search.statement import Statement

LEAST_ALIKE = 0.35
MOST_WORDS = 6
CANDIDATES = 3


def suggestion(asked: Asked, person: User) -> str:
    """The words with those replaced that nothing has, or "". Only where it finds something that `person` may see."""
    words = asked.words.split()
    if not words or len(words) > MOST_WORDS or '"' in asked.words:
        return ""
    alike = _alike([word for word in words if not word.startswith("-")])
    if not alike:
        return ""
    for place in range(CANDIDATES):
        changed = [_choice(alike.get(word, []), place, word) for word in words]
        candidate = replace(asked, words=" ".join(changed), key="")
        if changed != words and Statement(candidate, person).any_of():
            return candidate.words
    return ""


def _choice(found: list[str], place: int, word: str) -> str:
    return found[min(place, len(found) - 1)] if found else word


def _alike(words: list[str]) -> dict[str, list[str]]:
    """For each word that no document has in its title or names, those most alike."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT asked.word, near.word FROM unnest(%s::varchar[]) AS asked(word), LATERAL ("
            " SELECT w.word, similarity(upper(w.word), upper(asked.word)) AS s FROM knowledge_searchword w"
            " WHERE upper(w.word) %% upper(asked.word) ORDER BY s DESC, w.word LIMIT %s) near"
            " WHERE near.s >= %s AND NOT EXISTS (SELECT FROM knowledge_searchword k WHERE k.word = lower(asked.word))"
            " ORDER BY asked.word, near.s DESC",
            [words, CANDIDATES, LEAST_ALIKE],
        )
        found: dict[str, list[str]] = {}
        for word, near in cursor.fetchall():
            found.setdefault(word, []).append(near)
        return found
