"""Every resource: created, read, listed, changed, removed where it can be; refused by role and by field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from tests.api.calling import Api
from tests.builders import (
    make_brownbag,
    make_checklist,
    make_cluster,
    make_evidence,
    make_followup,
    make_incident,
    make_lesson,
    make_note,
    make_person,
    make_postmortem,
    make_run,
    make_source,
)

pytestmark = pytest.mark.django_db
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: a
clusters: [{name: a, cluster: {server: "https://192.0.2.10:6443"}}]
users: [{name: a, user: {token: reader-token}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
"""


def make_checklist_run() -> Any:
    from knowledge.actions.run import start_run
    from tests.builders import NOW

    return start_run(checklist=make_checklist(), by=make_person("ada"), now=NOW, service="checkout")


# path, who writes, what is posted, what is patched
Case = tuple[str, str, Callable[[], dict[str, Any]], dict[str, Any]]
RESOURCES: list[Case] = [
    ("clusters/", "root", lambda: {"name": "prod", "kubeconfig": KUBECONFIG}, {"name": "prod-eu"}),
    (
        "sources/",
        "root",
        lambda: {"name": "P", "kind": "prometheus", "url": "http://prometheus.example.org:9090"},
        {"enabled": False},
    ),
    ("incidents/", "ada", lambda: {"title": "Checkout answers 503", "severity": "SEV2"}, {"title": "Checkout is down"}),
    ("postmortems/", "ada", lambda: {"incident": make_incident().number}, {"body": "Newer words"}),
    (
        "followups/",
        "ada",
        lambda: {"incident": make_incident().number, "title": "Move liveness"},
        {"status": "in_progress"},
    ),
    ("lessons/", "ada", lambda: {"statement": "Look at the probes first."}, {"tags": ["probes"]}),
    (
        "checklists/",
        "ada",
        lambda: {"name": "Back out", "items": [{"text": "Note the revision"}]},
        {"kind": "recovery"},
    ),
    (
        "checklist-runs/",
        "ada",
        lambda: {"checklist": make_checklist().pk, "service": "checkout"},
        {"ticks": []},
    ),
    ("brownbags/", "ada", lambda: {"title": "Probes"}, {"audience": "Everybody"}),
    ("recovery-objectives/", "ada", lambda: {"namespace": "shop", "rto_seconds": 1_800}, {"rpo_seconds": 3_600}),
    (
        "drills/",
        "ada",
        lambda: {"title": "Lose a zone", "checklist": make_checklist().pk, "planned_at": "2026-11-30T10:00:00Z"},
        {"scenario": "Drain every node of zone a."},
    ),
]
NAMES = [case[0].strip("/") for case in RESOURCES]


@pytest.mark.parametrize(("path", "who", "given", "change"), RESOURCES, ids=NAMES)
def test_created_read_listed_and_changed(
    path: str, who: str, given: Callable[[], dict[str, Any]], change: dict[str, Any]
) -> None:
    api = Api(make_person(who))
    created = api.post(path, given())
    assert created.status_code == 201, created.content
    body = created.json()
    one = f"{path}{body.get('number', body.get('id'))}/"
    read = api.get(one)
    assert read.json() == body
    assert read["ETag"] == created["ETag"] == f'"{body["resource_version"]}"'
    assert body in Api(make_person("cy"), "read").get(path).json()["results"]
    changed = api.patch(one, change, If_Match=created["ETag"])
    assert changed.status_code == 200, changed.content
    for name, value in change.items():
        assert changed.json()[name] == value or name == "ticks"
    assert changed["ETag"] != created["ETag"] or path == "checklist-runs/"


@pytest.mark.parametrize(("path", "who", "given", "change"), RESOURCES, ids=NAMES)
def test_writing_needs_the_role_and_the_scope(
    path: str, who: str, given: Callable[[], dict[str, Any]], change: dict[str, Any]
) -> None:
    body = given()
    created = Api(make_person(who)).post(path, body).json()
    one = f"{path}{created.get('number', created.get('id'))}/"
    refused = [Api(make_person("mallory")), Api(make_person(who), "read"), Api(make_person(who), "ingest")]
    refused += [Api(make_person("ada"))] if who == "root" else []
    for api in refused:
        for answer in (api.post(path, body), api.patch(one, change)):
            assert answer.status_code == 403, answer.content
            assert answer["Content-Type"].startswith("application/problem+json")
    assert Api().get(path).status_code == 401
    assert Api().post(path, body).status_code == 401
    assert Api(make_person(who), "ingest").get(path).status_code == 403


@pytest.mark.parametrize(
    ("path", "make", "who"),
    [
        ("clusters/", make_cluster, "root"),
        ("sources/", make_source, "root"),
        ("lessons/", make_lesson, "ada"),
        ("checklists/", make_checklist, "ada"),
        ("brownbags/", make_brownbag, "ada"),
    ],
)
def test_deleted_with_an_audit_row_and_not_by_viewers(path: str, make: Callable[[], Any], who: str) -> None:
    row = make()
    one = f"{path}{getattr(row, 'number', row.pk)}/"
    assert Api(make_person("cy")).delete(one).status_code == 403
    assert Api(make_person(who)).delete(one, If_Match='"999"').status_code == 412
    assert Api(make_person(who)).delete(one).status_code == 204
    assert Api(make_person(who)).get(one).status_code == 404
    assert [row.via for row in AuditEvent.objects.filter(verb__endswith=".deleted")] == ["api"]


def test_parts_of_an_incident_are_read_below_it() -> None:
    incident = make_incident()
    make_evidence(incident)
    make_run(incident)
    api = Api(make_person("cy"))
    for part, count in (("evidence", 1), ("timeline", 1), ("milestones", 1), ("collections", 2)):
        assert len(api.get(f"incidents/1/{part}/").json()["results"]) == count, part
        assert api.get(f"incidents/99/{part}/").status_code == 404
    assert api.get("incidents/1/evidence/1/").json()["key"] == "E-1"


def test_a_note_is_added_pinned_and_edited_but_collected_lines_are_not() -> None:
    incident = make_incident()
    api = Api(make_person("ada"))
    note = api.post("incidents/1/timeline/", {"text": "Rolled back."}).json()
    changed = api.patch(f"incidents/1/timeline/{note['id']}/", {"pinned": True, "text": "Rolled back at 06:38."})
    assert (changed.json()["pinned"], changed.json()["text"]) == (True, "Rolled back at 06:38.")
    derived = incident.timeline.get(source="milestone")
    refused = api.patch(f"incidents/1/timeline/{derived.pk}/", {"text": "Never happened"})
    assert refused.json()["errors"] == [
        {"field": "text", "detail": "only notes can be edited; hide this line or add a note beside it"}
    ]
    assert api.patch(f"incidents/1/timeline/{derived.pk}/", {"hidden": True}).json()["hidden"] is True


def test_a_milestone_is_set_and_a_future_one_refused() -> None:
    make_incident()
    api = Api(make_person("ada"))
    assert api.post("incidents/1/milestones/", {"kind": "mitigated", "at": "2026-11-21T06:43:50Z"}).status_code == 201
    refused = api.post("incidents/1/milestones/", {"kind": "resolved", "at": "2099-01-01T00:00:00Z"})
    assert refused.json()["errors"][0]["field"] == "at"
    assert api.get("incidents/1/").json()["milestones"].keys() == {"declared", "mitigated"}


def test_the_status_moves_with_its_rules() -> None:
    make_incident()
    api = Api(make_person("ada"))
    assert api.patch("incidents/1/", {"status": "resolved"}).json()["status"] == "resolved"
    assert api.patch("incidents/1/", {"status": "investigating"}).json()["errors"][0]["field"] == "reason"
    assert api.patch("incidents/1/", {"status": "closed"}).json()["errors"][0]["field"] == "closure_reason"
    closed = api.patch("incidents/1/", {"status": "closed", "closure_reason": "resolved"})
    assert closed.json()["closure_reason"] == "resolved"


def test_a_run_is_ticked_and_signed_off() -> None:
    run = make_checklist_run()
    api = Api(make_person("ada"))
    first, second = (item["id"] for item in api.get(f"checklist-runs/{run.pk}/").json()["ticks"])
    early = api.patch(f"checklist-runs/{run.pk}/", {"finished": True})
    assert early.status_code == 400
    waived = {"ticks": [{"id": first, "state": "done"}, {"id": second, "state": "waived"}]}
    assert api.patch(f"checklist-runs/{run.pk}/", waived).json()["errors"][0]["field"].endswith("note")
    waived["ticks"][1]["note"] = "Nothing was released."
    done = api.patch(f"checklist-runs/{run.pk}/", waived | {"finished": True}).json()
    assert [item["state"] for item in done["ticks"]] == ["done", "waived"]
    assert done["finished_by"]["username"] == "ada"


def test_renaming_a_cluster_keeps_its_credentials_and_where_it_may_be() -> None:
    cluster = make_cluster(allow_private=True)
    before = cluster.kubeconfig()
    assert Api(make_person("root")).patch(f"clusters/{cluster.pk}/", {"name": "prod-us"}).status_code == 200
    cluster.refresh_from_db()
    assert cluster.kubeconfig() == before
    assert cluster.sources.get().allow_private is True


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("incidents/", {}, {"title", "severity"}),
        ("incidents/", {"title": "x" * 10_000, "severity": "SEV2"}, {"title"}),
        ("incidents/", {"title": " ", "severity": "SEV2"}, {"title"}),
        ("incidents/", {"title": "T", "severity": "SEV9"}, {"severity"}),
        ("incidents/", {"title": "T", "severity": {"name": "SEV1"}}, {"severity"}),
        (
            "incidents/",
            {
                "title": "T",
                "severity": "SEV2",
                "window_from": "2026-11-21T07:00:00Z",
                "window_to": "2026-11-21T06:00:00Z",
            },
            {"window_to"},
        ),
        (
            "incidents/",
            {"title": "T", "severity": "SEV2", "workloads": [{"kind": "Deployment"}]},
            {"workloads.0.namespace", "workloads.0.name"},
        ),
        ("incidents/", {"title": "T", "severity": "SEV2", "namespaces": "shop"}, {"namespaces"}),
        ("incidents/", {"title": "nul \x00", "severity": "SEV2"}, {"title"}),
        ("followups/", {"title": "T", "incident": 99}, {"incident"}),
        ("followups/", {"title": "T", "incident": 1, "owner": "nobody"}, {"incident", "owner"}),
        ("lessons/", {"statement": "x" * 301}, {"statement"}),
        ("checklists/", {"name": "N", "items": []}, {"items"}),
        ("brownbags/", {"title": "T", "items": [{"minutes": 5}]}, {"items.0"}),
    ],
)
def test_refused_input_has_one_entry_for_each_field(path: str, body: dict[str, Any], fields: set[str]) -> None:
    answer = Api(make_person("ada")).post(path, body)
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("application/problem+json")
    problem = answer.json()
    assert {entry["field"] for entry in problem["errors"]} == fields
    assert all(entry["detail"] for entry in problem["errors"])
    assert (problem["status"], problem["type"]) == (400, "about:blank")


EXEC = KUBECONFIG.replace("token: reader-token", "exec: {command: sh}")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("clusters/", {"name": "bad", "kubeconfig": EXEC}, "kubeconfig"),
        ("clusters/", {"name": "bad", "kubeconfig": "{{{"}, "kubeconfig"),
        ("sources/", {"name": "P", "kind": "prometheus"}, "url"),
        ("sources/", {"name": "P", "kind": "prometheus", "url": "http://u:p@example.org/"}, "url"),
        ("sources/", {"name": "P", "kind": "prometheus", "url": "file:///etc/passwd"}, "url"),
        ("sources/", {"name": "P", "kind": "carrier pigeon"}, "kind"),
        ("sources/", {"name": "P", "kind": "otlp", "budget": {"deadline_seconds": -1}}, "budget.deadline_seconds"),
        ("sources/", {"name": "P", "kind": "otlp", "options": {"queries": ["up"]}}, "options.queries.0"),
        ("sources/", {"name": "P", "kind": "otlp", "options": {"note": "nul \x00"}}, "options.note"),
    ],
)
def test_refused_sources_and_clusters_name_the_field(path: str, body: dict[str, Any], field: str) -> None:
    answer = Api(make_person("root")).post(path, body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["field"] == field


def test_secrets_of_sources_are_never_answered() -> None:
    body = {
        "name": "P",
        "kind": "prometheus",
        "url": "http://prometheus.example.org:9090",
        "auth": {"bearer": "top-secret-bearer"},
        "headers": {"X-Scope-OrgID": "top-secret-tenant"},
    }
    root = Api(make_person("root"))
    created = root.post("sources/", body)
    assert created.json()["has_credentials"] is True
    for answer in (created, root.get("sources/"), root.get(f"sources/{created.json()['id']}/")):
        assert "top-secret" not in answer.content.decode()


def test_malformed_json_and_other_types_are_problems_too() -> None:
    api = Api(make_person("ada"))
    for content_type, data, status in (("application/json", "{", 400), ("text/xml", "<a/>", 415)):
        answer = api.client.post("/api/v1/incidents/", data, content_type=content_type)
        assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert api.delete("incidents/1/").status_code in {404, 405}


@pytest.mark.parametrize("path", ["incidents/", "search/", "lessons/"])
def test_control_characters_in_a_query_are_no_fault_of_ours(path: str) -> None:
    answer = Api(make_person("cy")).get(f"{path}?q=%00")
    assert answer.status_code == 400


@pytest.mark.parametrize("cursor", ["x", "cD1nYXJiYWdl", "bz0tMQ==", "cj0xJnA9AA==", "%00"])
def test_a_broken_cursor_is_not_a_fault_of_ours(cursor: str) -> None:
    make_incident()
    for path in ("incidents/", "incidents/1/timeline/", "sources/"):
        assert Api(make_person("cy")).get(f"{path}?cursor={cursor}").status_code in {200, 400, 404}


def test_pages_follow_a_cursor_that_survives_new_rows() -> None:
    for _ in range(7):
        make_incident()
    api = Api(make_person("cy"))
    page = api.get("incidents/?page_size=3").json()
    seen = [row["number"] for row in page["results"]]
    make_incident()
    while page["next"]:
        page = api.get(page["next"].partition("/api/v1/")[2]).json()
        seen += [row["number"] for row in page["results"]]
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_filters_narrow_and_unknown_values_are_named() -> None:
    make_incident()
    make_followup(make_incident(severity="SEV1"))
    make_postmortem(make_incident())
    make_note(make_incident())
    api = Api(make_person("cy"))
    assert [row["number"] for row in api.get("incidents/?severity__name=SEV1").json()["results"]] == [2]
    assert [row["number"] for row in api.get("incidents/?q=INC-3").json()["results"]] == [3]
    assert api.get("incidents/?status=on-fire").json()["errors"][0]["field"] == "status"


def test_stakeholders_are_told_and_the_incident_moves_with_it() -> None:
    incident, api = make_incident(), Api(make_person("ada"))
    promised = (timezone.now() + timedelta(minutes=30)).isoformat()
    made = api.post("incidents/1/updates/", {"text": "Rolled back.", "status": "mitigated", "next_at": promised})
    assert made.status_code == 201, made.json()
    assert (made.json()["status"], made.json()["severity"]) == ("mitigated", incident.severity.name)
    incident.refresh_from_db()
    assert incident.status == "mitigated"
    (told,) = api.get("incidents/1/updates/").json()["results"]
    assert (told["text"], told["posted_by"]) == ("Rolled back.", made.json()["posted_by"])
    refused = api.post("incidents/1/updates/", {"text": " ", "severity": "SEV9"})
    assert refused.status_code == 400
    assert {one["field"] for one in refused.json()["errors"]} == {"text", "severity"}
    assert Api(make_person("cy")).post("incidents/1/updates/", {"text": "x"}).status_code == 403
