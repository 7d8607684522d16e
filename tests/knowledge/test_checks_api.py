"""Checklists with checks, their runs, objectives and drills over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from incidents.actions.milestone import set_milestone
from knowledge.models import ChecklistRun
from knowledge.tasks.checking import check_run
from tests.builders import NOW, make_checklist, make_incident, make_person, make_token
from tests.knowledge.checks.judged import connect
from tests.stand_ins.kubernetes import KubernetesStandIn

pytestmark = pytest.mark.django_db


def api(who: str = "ada") -> Client:
    return Client(headers={"Authorization": f"Bearer {make_token(make_person(who))}"})


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/api/v1/{path}", body or {}, content_type="application/json")


def test_an_item_keeps_its_check_through_a_change_of_something_else() -> None:
    client = api()
    item = {"text": "Three replicas", "group": "Availability", "check_name": "replicas", "params": {"least": 3}}
    made = post(client, "checklists/", {"name": "Scale", "items": [item]}).json()
    assert {name: made["items"][0][name] for name in item} == item
    changed = client.patch(
        f"/api/v1/checklists/{made['id']}/", {"description": "For all."}, content_type="application/json"
    ).json()
    assert (changed["version"], changed["items"][0]["params"]) == (1, {"least": 3})
    wrong = {"name": "Wrong", "items": [item | {"params": {"least": "many"}}]}
    assert post(client, "checklists/", wrong).json()["errors"][0]["field"] == "items.0.params"


def test_a_run_says_its_verdicts_and_is_checked_again_on_demand() -> None:
    checklist = make_checklist(items=[{"text": "Two replicas", "check_name": "replicas"}])
    client = api()
    with KubernetesStandIn() as server:
        connect(server)
        target = {"checklist": checklist.pk, "namespace": "shop", "workload_kind": "Deployment"}
        run = post(client, "checklist-runs/", target | {"workload_name": "checkout"}).json()
        assert (run["check_state"], run["version"]) == ("queued", 1)
        check_run(run["id"])
        found = client.get(f"/api/v1/checklist-runs/{run['id']}/").json()["ticks"][0]
        assert (found["verdict"], found["facts"]["rows"][0][2], found["excused_until"]) == ("fail", "0", None)
        done = {"ticks": [{"id": found["id"], "state": "done"}]}
        refused = client.patch(f"/api/v1/checklist-runs/{run['id']}/", done, content_type="application/json")
        assert (refused.status_code, "has not passed" in refused.content.decode()) == (400, True)
        assert post(client, f"checklist-runs/{run['id']}/check/").status_code == 202
        assert post(client, f"checklist-runs/{run['id']}/check/").status_code == 400
        assert post(api("cy"), f"checklist-runs/{run['id']}/check/").status_code == 403
    assert ChecklistRun.objects.get().check_state == "queued"


def test_an_objective_says_what_was_measured_and_a_drill_begins() -> None:
    client = api()
    objective = post(client, "recovery-objectives/", {"namespace": "shop", "rto_seconds": 1_800}).json()
    why = {line["origin"]: line["reason"] for line in objective["measured"]}
    assert why == {"incidents": "no incident of it was recorded", "drills": "it was never drilled"}
    incident = make_incident(impact_started_at=NOW)
    set_milestone(incident=incident, kind="mitigated", at=NOW, by=make_person("ada"), now=NOW)
    line = client.get("/api/v1/recovery-objectives/").json()["results"][0]["measured"][0]
    assert (line["seconds"], line["result"], line["count"]) == (0, "within", 1)
    body = {"title": "Lose a zone", "checklist": make_checklist().pk, "planned_at": "2026-11-30T10:00:00Z"}
    drill = post(client, "drills/", body | {"objective": objective["id"]}).json()
    begun = post(client, f"drills/{drill['id']}/begin/").json()
    assert begun["incident"] is not None
    assert post(client, f"drills/{drill['id']}/begin/").status_code == 400
