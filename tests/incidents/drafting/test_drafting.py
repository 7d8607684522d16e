"""What each part says of what is known, and that it only cites what exists."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from incidents.actions.milestone import set_milestone
from incidents.drafting import VARIABLES, draft, drafted_parts, fill
from incidents.models import Evidence, Incident, PostMortem, TimelineEntry
from incidents.naming import references
from telemetry.observations import EvidenceType, Level
from tests.builders import NOW, make_evidence, make_incident, make_note, make_person, make_postmortem

pytestmark = pytest.mark.django_db
ALL = "\n\n".join("{" + name + "}" for name in VARIABLES)


def minutes(count: float) -> Any:
    return NOW + timedelta(minutes=count)


@pytest.fixture
def night() -> Incident:
    """Impact at NOW − 10, detected − 8, mitigated NOW."""
    incident = make_incident(impact_started_at=minutes(-10), detected_at=minutes(-8), now=minutes(-7))
    set_milestone(incident=incident, kind="mitigated", at=NOW, by=make_person("ada"), now=minutes(1))
    return Incident.objects.get(pk=incident.pk)


def change(incident: Incident, at: Any, **fields: Any) -> Evidence:
    payload = {"change": "rollout", "diff": [{"path": "image", "before": "1.42", "after": "1.41"}]}
    payload |= fields.pop("payload", {})
    made = {"type": EvidenceType.STATE_CHANGE.value, "first_at": at, "last_at": at, "payload": payload}
    return make_evidence(incident, **({"title": "checkout revision 2 → 3"} | made | fields))


def chart(incident: Incident, **payload: Any) -> Evidence:
    points = [[minutes(n).timestamp(), 0.6 if -9 <= n <= -2 else 0.01] for n in range(-15, 15)]
    body = {
        "series": [{"labels": {}, "points": points}],
        "peak": {"value": 0.6, "at": points[8][0]},
        "baseline_median": 0.01,
    }
    return make_evidence(incident, type=EvidenceType.METRIC.value, title="Error rate", payload=body | payload)


def part(incident: Incident, name: str, **options: Any) -> str:
    return drafted_parts("{" + name + "}", incident, **options)[name]


def test_the_summary_says_severity_and_durations(night: Incident) -> None:
    assert "It was SEV2, detected after 2 min, mitigated after 10 min." in part(night, "summary")


def test_detection_says_what_fired_first_and_how_long_after_the_impact(night: Incident) -> None:
    for place, name in enumerate(["HighErrors", "SlowCheckout"]):
        make_evidence(night, type=EvidenceType.ALERT.value, title=name, first_at=minutes(-8 + place), last_at=NOW)
    change(night, minutes(-9), level=Level.ERROR.value, title="Node node-1 not ready")
    told = part(night, "detection")
    assert "The first alert was HighErrors at 06:30:12 UTC, 2 min after the impact began [[E-1]]." in told
    assert "SlowCheckout followed 1 min later [[E-2]]." in told
    assert "Node node-1 not ready at 06:29:12 UTC, 1 min after the impact began [[E-3]]. That was 1 min before" in told


def test_recovery_names_what_changed_just_before_the_latest_first(night: Incident) -> None:
    change(night, minutes(-30), title="long before")
    change(night, minutes(-5), payload={"rollback": True}, title="checkout revision 2 → 3 (roll-back)")
    change(
        night,
        minutes(-2),
        payload={"change": "node_condition", "diff": []},
        level=Level.NORMAL.value,
        title="Node ready",
    )
    change(night, minutes(-1), payload={"change": "restart"}, title="a restart")
    make_note(night, text="Rolled back to 1.41", occurred_at=minutes(-6))
    told = part(night, "recovery")
    assert told.startswith("It was mitigated at 06:38:12 UTC, 10 min after the impact began.")
    lines = [line for line in told.split("\n") if line.startswith("- ")]
    assert lines == [
        "- 2 min before: Node ready [[E-3]]",
        "- 5 min before: Roll-back: checkout revision 2 → 3 (roll-back) [[E-2]]",
        "- 6 min before: Ada Okafor wrote “Rolled back to 1.41”",
    ]


def test_recovery_says_when_a_chart_came_back(night: Incident) -> None:
    chart(night)
    assert "Error rate was back near its usual value at 06:37:12 UTC [[E-1]]." in part(night, "recovery")


def test_recovery_says_that_a_chart_did_not_come_back(night: Incident) -> None:
    points = [[minutes(n).timestamp(), 0.6] for n in range(5)]
    chart(night, series=[{"labels": {}, "points": points}])
    assert "Error rate had not come back to its usual value when collecting ended" in part(night, "recovery")


def test_without_an_end_there_is_no_recovery_yet() -> None:
    assert "It is not over yet" in part(make_incident(), "recovery")


def test_without_a_change_people_are_asked(night: Incident) -> None:
    assert "No change was recorded in the 15 min before that" in part(night, "recovery")


def test_the_impact_shows_what_people_chose_first(night: Incident) -> None:
    for peak in (9, 8, 0.2, 0.3):
        chart(night, peak={"value": peak, "at": 0}, baseline=[{"points": [[0, 0.01]]}])
    pinned = Evidence.objects.get(number=3)
    entry = make_note(night)
    TimelineEntry.objects.filter(pk=entry.pk).update(evidence=pinned, pinned=True)
    assert references(part(night, "impact"))["E"] == {3}
    assert references(part(night, "impact", chosen=frozenset({4})))["E"] == {3, 4}


def test_contributing_counts_the_signals_that_were_seen(night: Incident) -> None:
    for number in range(3):
        make_evidence(night, payload={"signal": "crash-loop"}, first_at=minutes(number), last_at=minutes(number))
    assert "- Crash loop, 3 times, from 06:38:12 UTC [[E-1]]" in part(night, "contributing")


@pytest.mark.parametrize(
    "payload", [{}, {"series": None}, {"peak": "x"}, {"baseline_median": "x"}, {"series": [{"points": [["a", None]]}]}]
)
def test_odd_charts_break_no_part(night: Incident, payload: dict[str, Any]) -> None:
    chart(night, **payload)
    assert "Error rate" in part(night, "impact") or payload == {"series": None}
    assert "mitigated" in part(night, "recovery")


def test_the_draft_remembers_each_part_and_a_text_in_braces_is_no_variable(night: Incident) -> None:
    Incident.objects.filter(pk=night.pk).update(title="{timeline} {recovery}")
    postmortem = make_postmortem(Incident.objects.get(pk=night.pk))
    assert postmortem.body.count("| UTC |") == 1
    assert postmortem.drafted["summary"] in postmortem.body
    assert set(postmortem.drafted) <= set(VARIABLES)


def test_drafting_asks_a_bounded_number_of_questions(night: Incident, django_assert_max_num_queries: Any) -> None:
    for number in range(6):
        chart(night)
        change(night, minutes(-number))
        make_note(night)
    with django_assert_max_num_queries(25):
        fill(ALL, night)


def test_a_draft_that_nobody_touched_keeps_following(night: Incident) -> None:
    postmortem = make_postmortem(night)
    make_note(night, text="Found later")
    draft(postmortem.pk, NOW)
    row = PostMortem.objects.get()
    assert "Found later" in row.body
    assert "Found later" in row.drafted["timeline"]
