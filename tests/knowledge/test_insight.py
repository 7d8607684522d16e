"""Insight: medians with company, what is counted and what is not, nothing hidden, and the numbers behind each chart."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from incidents.actions.alert import note_deed
from incidents.actions.followup import change_followup
from incidents.actions.milestone import write_milestone
from incidents.models import AlertDeed, FollowUp, Incident
from knowledge.insight import reading
from knowledge.insight.drawing import bars_chart, months_chart
from knowledge.insight.numbers import numbers
from knowledge.insight.period import period_of
from knowledge.matching import match_incident
from tests.api.test_query_counts import queries_of
from tests.builders import NOW, make_alert, make_evidence, make_followup, make_incident, make_lesson, make_person
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db
NOVEMBER = datetime(2026, 11, 28, 12, tzinfo=UTC)


def lasted(minutes: int, **overrides: Any) -> Incident:
    """Detected after one minute, mitigated after so many."""
    began = overrides.get("now", NOW) - timedelta(minutes=2)
    incident = make_incident(impact_started_at=began, detected_at=began + timedelta(minutes=1), **overrides)
    write_milestone(incident=incident, kind="mitigated", at=began + timedelta(minutes=minutes), by=None)
    return incident


def rows(who: str = "ada", **wanted: str) -> list[reading.Row]:
    return reading.rows_of(period_of(wanted, NOVEMBER), make_person(who))


def test_a_median_has_company_and_no_p90_of_few() -> None:
    few, enough = numbers([60.0, 120.0, None, 600.0]), numbers([float(n) for n in range(1, 11)])
    assert (few.count, few.median, few.p90) == (3, 120.0, None)
    assert (enough.count, enough.median, enough.p90) == (10, 5.5, 9.0)
    assert numbers([]).median is None


def test_durations_are_told_by_month_severity_and_service() -> None:
    lasted(10, services=["checkout"], severity="SEV1")
    lasted(30, services=["checkout", "web"], severity="SEV2")
    lasted(50, services=["web"], severity="SEV2", now=NOW - timedelta(days=62))
    found = rows()
    assert reading.durations(found)["TTM"].median == 30 * 60
    assert {name: took["TTM"].median for name, took in reading.by_severity(found)} == {"SEV1": 600, "SEV2": 2400}
    assert [(name, count) for name, count, _ in reading.by_service(found)] == [("checkout", 2), ("web", 2)]
    months = reading.by_month(found, period_of({}, NOVEMBER))
    assert len(months) == 12
    counts = {f"{month:%Y-%m}": count for month, count, _ in months if count}
    assert counts == {"2026-09": 1, "2026-11": 2}
    assert len(rows(service="web", severity="SEV2")) == 2
    assert len(rows(months="36")) == 3


def test_drills_duplicates_and_false_alarms_are_left_out() -> None:
    lasted(10)
    lasted(10, kind="drill")
    for reason in ("false_positive", "cancelled"):
        Incident.objects.filter(pk=lasted(10).pk).update(status="closed", closure_reason=reason)
    assert len(rows()) == 1


def test_what_told_us_first_is_said_or_known_from_the_alert() -> None:
    lasted(10, detected_by="customer")
    opened = lasted(10)
    note_deed(alert=make_alert(), rule=None, outcome=AlertDeed.Outcome.OPENED, now=NOW, incident=opened)
    lasted(10)
    assert reading.detection(rows()) == [
        ("alert", "An alert", 1),
        ("customer", "A customer", 1),
        ("person", "Somebody of ours", 0),
        ("", "Not said", 1),
    ]


def test_signals_of_two_incidents_come_back() -> None:
    for place in range(3):
        incident = lasted(10, now=NOW - timedelta(days=place))
        payload = {"reason": "BackOff" if place < 2 else "Evicted", "message": "m"}
        make_evidence(incident, level="error", payload=payload, subject={"kind": "Pod", "name": "checkout-0"})
        match_incident(incident.pk, NOW)
    [one] = reading.recurring(rows())
    assert (one.label, one.count, one.numbers) == ("BackOff of checkout", 2, [1, 2])


def test_follow_ups_are_counted_by_state_and_age(ada: User) -> None:
    incident = make_incident()
    done, late, dropped = (make_followup(incident, title=title) for title in ("Done", "Late", "Dropped"))
    change_followup(followup=done, by=ada, now=NOW, status="done")
    change_followup(followup=dropped, by=ada, now=NOW, status="not_doing", reason="Too dear")
    FollowUp.objects.filter(pk=late.pk).update(due_at=NOW - timedelta(days=3), created_at=NOW - timedelta(days=40))
    told = reading.followups(period_of({}, NOW), ada, NOW)
    assert (told.done, told.done_in_time, told.not_doing, told.overdue, told.oldest_overdue_days) == (1, 1, 1, 1, 3)
    assert dict(told.ages)["up to three months"] == 1


def test_nothing_of_a_restricted_incident_is_counted(as_cy: Client) -> None:
    hidden = lasted(10, services=["vault"], visibility="restricted", by=make_person("ben"))
    make_followup(hidden)
    make_lesson(services=["vault"])
    match_incident(hidden.pk, NOW)
    assert rows("cy") == []
    assert len(rows("ben")) == 1
    shown = as_cy.get("/insight/", {"months": "36"}).content.decode()
    assert "vault" not in shown
    assert "No incident in this time" in shown
    assert reading.lessons_back(period_of({}, NOVEMBER), make_person("cy")) == []


def test_each_chart_has_its_rows_and_no_cell_is_a_formula(as_ada: Client) -> None:
    incident = lasted(10, services=["=cmd()"])
    make_lesson(statement="=HYPERLINK(1)", services=["=cmd()"])
    match_incident(incident.pk, NOW)
    for name in ("months", "severities", "services", "detection", "recurring", "follow-ups", "lessons"):
        answer = as_ada.get(f"/insight/{name}.csv", {"months": "36"})
        assert answer["Content-Type"].startswith("text/csv")
        table = list(csv.reader(io.StringIO(answer.content.decode())))
        assert len({len(row) for row in table}) == 1
        assert not any(cell.startswith("=") for row in table for cell in row)
    assert as_ada.get("/insight/nothing.csv").status_code == 404


def test_the_page_asks_the_same_of_few_and_of_many(as_ada: Client) -> None:
    def filled(count: int) -> int:
        for place in range(count):
            incident = lasted(10, services=["checkout"], now=NOW - timedelta(hours=place))
            make_followup(incident)
            match_incident(incident.pk, NOW)
        return queries_of(lambda: as_ada.get("/insight/", {"months": "36"}))

    make_lesson(services=["checkout"])
    assert filled(3) == filled(9)


@pytest.mark.parametrize("query", ["months=x&severity=%00&metric=XX", "service=%3Cscript%3E", "months=999"])
def test_odd_questions_are_answered(as_ada: Client, query: str) -> None:
    assert as_ada.get(f"/insight/?{query}").status_code in {200, 400}


def test_a_month_of_which_nothing_is_known_breaks_the_line() -> None:
    drawn = months_chart([("Jan", 60.0, None), ("Feb", 60.0, None), ("Mar", None, None), ("Apr", 60.0, 90.0)], "Title")
    assert drawn.count('class="line"') == 1
    assert drawn.count('class="ring"') == 3
    assert "Apr: median 1 min, p90 1 min 30 s" in drawn
    assert months_chart([("Jan", None, None)], "Title") == ""
    assert bars_chart([("Jan", 0, 0)], "Title", ("opened", "done")) == ""
    assert "2 opened, 1 done" in bars_chart([("Jan", 2, 1)], "Title", ("opened", "done"))


def test_a_viewer_reads_it_too(cy: User) -> None:
    lasted(10)
    shown = signed_in(cy).get("/insight/", {"months": "36"}).content.decode()
    assert "Time to mitigate" in shown
