"""Objectives beside what incidents, recovery points and drills measured; drills from plan to findings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.problems import InvalidInput
from incidents.actions.milestone import set_milestone
from incidents.models import Incident
from knowledge.actions.drill import begin_drill, cancel_drill, save_drill
from knowledge.actions.objective import save_objective
from knowledge.checking import objectives
from knowledge.models import Drill, RecoveryObjective, RecoveryReading
from knowledge.recovery import Line, beside
from tests.builders import NOW, make_checklist, make_evidence, make_incident, make_person
from tests.fixtures import signed_in
from tests.knowledge.checks.judged import connect
from tests.stand_ins.backups import VELERO, BackedUpClusterStandIn, backup, schedule

pytestmark = pytest.mark.django_db


def make_objective(**overrides: Any) -> RecoveryObjective:
    fields = {"namespace": "shop", "rto_seconds": 1_800, "rpo_seconds": 3_600, "by": make_person("ada"), "now": NOW}
    return save_objective(**(fields | overrides))


def make_drill(objective: RecoveryObjective | None = None, **overrides: Any) -> Drill:
    fields = {"title": "Lose the database", "checklist": make_checklist(), "planned_at": NOW, "objective": objective}
    return save_drill(**(fields | {"by": make_person("ada"), "now": NOW} | overrides))


def away(minutes: int, **overrides: Any) -> Incident:
    incident = make_incident(impact_started_at=NOW - timedelta(hours=1), **overrides)
    at = NOW - timedelta(hours=1) + timedelta(minutes=minutes)
    set_milestone(incident=incident, kind="mitigated", at=at, by=make_person("ada"), now=NOW)
    return incident


def line(objective: RecoveryObjective, what: str, origin: str, who: str = "ada") -> Line:
    rows = beside([objective], make_person(who))[0].lines
    return next(one for one in rows if (one.what, one.origin) == (what, origin))


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"namespace": ""}, "service"),
        ({"namespace": "Shop Floor"}, "namespace"),
        ({"rto_seconds": None, "rpo_seconds": None}, "rto_seconds"),
        ({"rto_seconds": 0}, "rto_seconds"),
        ({"rpo_seconds": 10**9}, "rpo_seconds"),
    ],
)
def test_an_objective_is_for_something_and_says_something(fields: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_objective(**fields)
    assert list(refused.value.errors) == [wrong]


def test_a_place_has_one_objective() -> None:
    first = make_objective()
    with pytest.raises(InvalidInput, match="has an objective already"):
        make_objective()
    assert make_objective(objective=first, rto_seconds=60).rto_seconds == 60


def test_nothing_measured_always_says_why() -> None:
    objective = make_objective()
    said = {(one.what, one.origin): one.why for one in beside([objective], make_person("ada"))[0].lines}
    assert said == {
        ("RTO", "incidents"): "no incident of it was recorded",
        ("RTO", "drills"): "it was never drilled",
        ("RPO", "backups now"): "its recovery points were not read yet",
        ("RPO", "incidents"): "no incident of it was recorded",
        ("RPO", "drills"): "it was never drilled",
    }


def test_an_rto_is_measured_from_the_milestones_of_its_incidents() -> None:
    objective = make_objective()
    for minutes in (12, 20, 40):
        away(minutes)
    make_incident(namespaces=["pay"])
    found = line(objective, "RTO", "incidents")
    assert (found.result, found.known, found.middle, found.p90) == ("missed", [2_400, 1_200, 720], 1_200, None)
    make_incident()
    found = line(objective, "RTO", "incidents")
    assert (found.result, found.why) == ("not measurable", "the milestone Impact started is not set")


def test_a_service_in_another_namespace_is_another_place() -> None:
    objective = make_objective(service="checkout", namespace="staging")
    away(12, services=["checkout"], namespaces=["prod"])
    away(20, services=["checkout"], namespaces=["staging"])
    away(25, services=["search"], namespaces=["staging"])
    other = make_objective(namespace="prod")
    found = beside([objective, other], make_person("ada"))
    assert [[one.lines[0].known] for one in found] == [[[1_200]], [[720]]]


def test_incidents_that_were_none_and_those_one_may_not_see_do_not_count() -> None:
    objective = make_objective()
    Incident.objects.filter(pk=away(12).pk).update(status="closed", closure_reason="false_positive")
    away(20, visibility="restricted")
    assert line(objective, "RTO", "incidents").known == [1_200]
    assert line(objective, "RTO", "incidents", who="ben").values == []


@pytest.mark.parametrize(
    ("ages", "known", "result"),
    [([600.0, 2_400.0], [2_400], "within"), ([600.0, None], [], "not measurable"), ([9_000.0], [9_000], "missed")],
)
def test_an_rpo_of_an_incident_is_at_most_the_age_of_its_oldest_backup(
    ages: list[float | None], known: list[int], result: str
) -> None:
    objective, incident = make_objective(), away(12)
    for age in ages:
        make_evidence(incident, type="backup", payload={"age_seconds": age, "is_known": True})
    make_evidence(incident, type="backup", payload={"restore": True, "is_known": True})
    found = line(objective, "RPO", "incidents")
    assert (found.known, found.result) == (known, result)
    assert all(one.at_most for one in found.values if one.seconds is not None)


def test_recovery_points_of_now_are_read_by_schedule() -> None:
    with BackedUpClusterStandIn() as server:
        connect(server)
        objective = make_objective()
        reading = objectives.read(objective.pk)
        assert reading is not None
        assert reading.reason == "no workload with volumes in shop"
        volume = {"metadata": {"name": "data"}}
        server.edit("statefulsets", lambda items: [one["spec"].update(volumeClaimTemplates=[volume]) for one in items])
        server.add(VELERO, "schedules", schedule())
        server.add(VELERO, "backups", backup("daily-1", "2026-11-21T06:00:00Z"))
        reading = objectives.read(objective.pk)
        assert reading is not None
        assert (reading.tool, reading.point, reading.age_seconds is not None) == ("Velero", "daily-1", True)
        server.deny("velero.io", "backups")
        denied = objectives.read(objective.pk)
        assert denied is not None
        assert "forbidden" in denied.reason
    assert objectives.due(NOW) == []
    RecoveryReading.objects.update(at=NOW - timedelta(hours=2))
    assert objectives.due(NOW) == [objective.pk]


def test_a_reading_stands_beside_its_objective() -> None:
    objective = make_objective()
    RecoveryReading.objects.create(objective=objective, at=NOW, age_seconds=1_800, tool="Velero", point="daily-1")
    found = line(objective, "RPO", "backups now")
    assert (found.result, found.bar, found.shown and found.shown.label) == ("within", 50, "Velero daily-1")


def test_a_drill_measures_for_itself_and_never_for_incidents() -> None:
    ada, objective = make_person("ada"), make_objective()
    drill = make_drill(objective)
    with pytest.raises(InvalidInput, match="has not begun yet"):
        save_drill(drill=drill, by=ada, now=NOW, restored_to_at=NOW)
    drill = begin_drill(drill=drill, by=ada, now=NOW)
    incident = drill.incident
    assert incident is not None
    assert (incident.kind, incident.namespaces, drill.checklist_runs.count()) == ("drill", ["shop"], 1)
    assert line(objective, "RPO", "drills").why == "the milestone Impact started is not set"
    start = NOW - timedelta(minutes=30)
    set_milestone(incident=incident, kind="impact_started", at=start, by=ada, now=NOW)
    set_milestone(incident=incident, kind="mitigated", at=start + timedelta(minutes=25), by=ada, now=NOW)
    assert line(objective, "RPO", "drills").why == "the newest data that came back was not entered"
    save_drill(drill=drill, by=ada, now=NOW, restored_to_at=start - timedelta(minutes=90), findings="Slow.")
    assert line(objective, "RTO", "drills").known == [1_500]
    assert (line(objective, "RPO", "drills").known, line(objective, "RPO", "drills").result) == ([5_400], "missed")
    assert line(objective, "RTO", "incidents").values == []
    with pytest.raises(InvalidInput, match="has begun already"):
        begin_drill(drill=drill, by=ada, now=NOW)


def test_a_drill_is_cancelled_with_a_reason_before_it_begins() -> None:
    ada, drill = make_person("ada"), make_drill()
    with pytest.raises(InvalidInput, match="why it is cancelled"):
        cancel_drill(drill=drill, reason="", by=ada, now=NOW)
    cancel_drill(drill=drill, reason="The team is away.", by=ada, now=NOW)
    with pytest.raises(InvalidInput, match="was cancelled"):
        begin_drill(drill=drill, by=ada, now=NOW)


def test_objectives_and_drills_are_kept_on_their_pages(as_ada: Client) -> None:
    assert "No objective is agreed" in as_ada.get("/recovery/").content.decode()
    form = {"namespace": "shop", "rto_seconds": "30 min", "rpo_seconds": "1 h 30 min"}
    refused = as_ada.post("/recovery/objectives/new/", form | {"rto_seconds": "soon"})
    assert (refused.status_code, "such as 30 min" in refused.content.decode()) == (422, True)
    address = as_ada.post("/recovery/objectives/new/", form)["Location"]
    objective = RecoveryObjective.objects.get()
    assert (objective.rto_seconds, objective.rpo_seconds) == (1_800, 5_400)
    assert "1 h 30 min" in as_ada.get(f"{address}edit/").content.decode()
    away(12)
    for page in ("/recovery/", address):
        assert "12 min" in as_ada.get(page).content.decode()
    checklist = make_checklist()
    planned = {
        "title": "Lose a zone",
        "checklist": checklist.pk,
        "planned_at": "2026-11-30T10:00",
        "objective": objective.pk,
    }
    drill = as_ada.post("/drills/new/", planned)["Location"]
    assert "Begin the drill" in as_ada.get(drill).content.decode()
    as_ada.post(f"{drill}begin/")
    as_ada.post(f"{drill}result/", {"restored_to_at": "2026-11-21T06:00", "findings": "Nobody knew the password."})
    page = as_ada.get(drill).content.decode()
    assert ("Nobody knew the password." in page, "Objective and measured" in page) == (True, True)
    assert "Lose a zone" in as_ada.get("/drills/").content.decode()
    as_ada.post(f"{address}delete/")
    assert (RecoveryObjective.objects.count(), Drill.objects.count()) == (0, 1)


def test_a_drill_of_a_restricted_incident_is_not_there_for_others() -> None:
    drill = begin_drill(drill=make_drill(make_objective()), by=make_person("ada"), now=NOW)
    assert drill.incident is not None
    Incident.objects.filter(pk=drill.incident.pk).update(visibility="restricted")
    client = signed_in(make_person("ben"))
    assert client.get(drill.get_absolute_url()).status_code == 404
    for address in ("/drills/", "/recovery/"):
        assert drill.title not in client.get(address).content.decode()


def test_the_page_of_recovery_asks_no_more_for_more_objectives(as_ada: Client, django_assert_num_queries: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    make_objective()
    as_ada.get("/recovery/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        as_ada.get("/recovery/")
    for name in ("pay", "search", "mail"):
        make_objective(namespace=name)
    with django_assert_num_queries(len(few)):
        as_ada.get("/recovery/")
