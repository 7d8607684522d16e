"""Seen before: a corpus of sixty, what is the same told in other words, and reasons that hold."""

from __future__ import annotations

import pytest

from incidents.models import Evidence, Incident
from knowledge.matching import match_incident
from knowledge.models import Match
from knowledge.weighing import is_likely
from tests.builders import NOW
from tests.knowledge import corpus

pytestmark = pytest.mark.django_db


@pytest.fixture
def told() -> list[tuple[corpus.Story, Incident]]:
    found = corpus.write()
    for _, incident in found:
        match_incident(incident.pk, NOW)
    return found


def test_what_came_back_in_other_words_is_found_and_each_reason_is_true(
    told: list[tuple[corpus.Story, Incident]],
) -> None:
    by_name = {story.name: incident for story, incident in told if story.name}
    again = [(story, incident, by_name[story.again]) for story, incident in told if story.again]
    assert len(told) >= 60
    assert len(again) == 12
    ranks = {story.title: corpus.rank_of(incident, earlier) for story, incident, earlier in again}
    assert sum(0 < rank <= 3 for rank in ranks.values()) >= 11, ranks
    same = {(incident.pk, earlier.pk) for _, incident, earlier in again}
    suggested = [row for row in Match.objects.all() if _likely(row)]
    false = [row for row in suggested if (row.incident_id, row.earlier_id) not in same]
    print(f"ranks {ranks}; suggested {len(suggested)}, false {len(false)}")
    assert len(false) <= 2, [str(row) for row in false]
    _check_reasons()


def _likely(row: Match) -> bool:
    return is_likely(row.score, row.reasons)


def _check_reasons() -> None:
    """What a reason names stands in the evidence of both sides."""
    evidence = {(row.incident_id, row.number): row for row in Evidence.objects.all()}
    checked = 0
    for match in Match.objects.select_related("incident", "earlier"):
        for reason in match.reasons:
            for owner, numbers in ((match.incident_id, reason["own"]), (match.earlier_id, reason["theirs"])):
                for number in numbers:
                    row = evidence[owner, number]
                    text = f"{row.title} {row.payload} {row.subject}"
                    word = _named(reason)
                    assert word.lower() in text.lower(), (reason, text)
                    checked += 1
    assert checked > 100


def _named(reason: dict[str, str]) -> str:
    label = reason["label"]
    if reason["kind"] in {"log", "reason"}:
        return label
    if reason["kind"] == "rollout":
        return label.rpartition(" of ")[2].removesuffix(" just before")
    if reason["kind"] == "signal":
        return label.partition(" of ")[0]
    if reason["kind"] == "term":
        return label.partition("”")[0].removeprefix("“")
    return label.removesuffix(" with the same labels").rpartition(" ")[2].rpartition("/")[2]
