"""Alerts, their rules and query templates over the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents.alert_watch import look
from incidents.models import AlertRule, Incident, Severity
from telemetry.models import QueryTemplate
from tests.builders import NOW, make_alert, make_alert_rule, make_incident, make_person, make_query_template, make_token

pytestmark = pytest.mark.django_db


def client(who: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {make_token(make_person(who))}"})


def send(who: str, method: str, path: str, body: Any, **headers: str) -> Any:
    sent = {"Authorization": f"Bearer {make_token(make_person(who))}", **headers}
    return Client(headers=sent).generic(method, path, json.dumps(body), content_type="application/json")


RULE = {"name": "Serious", "matchers": 'severity="critical"', "severity": "SEV2", "severities": {"critical": "SEV1"}}


def test_an_alert_says_what_became_of_it() -> None:
    make_alert_rule()
    make_alert()
    look(NOW)
    (alert,) = client("cy").get("/api/v1/alerts/?status=firing").json()["results"]
    assert alert["labels"]["namespace"] == "shop"
    assert alert["deed"] | {"outcome": "opened", "rule": "Everything"} == alert["deed"]
    assert alert["deed"]["incident"] == Incident.objects.get().number


def test_an_alert_of_a_restricted_incident_is_not_told() -> None:
    make_incident(visibility="restricted", namespaces=["shop"], by=make_person("ben"))
    make_alert_rule(action="attach")
    alert = make_alert()
    look(NOW)
    assert client("cy").get("/api/v1/alerts/").json()["results"] == []
    assert client("cy").get(f"/api/v1/alerts/{alert.pk}/").status_code == 404
    assert len(client("root").get("/api/v1/alerts/").json()["results"]) == 1


def test_a_list_of_alerts_costs_no_more_queries() -> None:
    make_alert_rule()
    make_alert()
    look(NOW)
    reader = client("cy")
    reader.get("/api/v1/alerts/")
    with CaptureQueriesContext(connection) as few:
        reader.get("/api/v1/alerts/")
    for number in range(20):
        make_alert(fingerprint=str(number))
    look(NOW)
    with CaptureQueriesContext(connection) as many:
        reader.get("/api/v1/alerts/")
    assert len(many) == len(few)


def test_an_admin_writes_rules_with_names_for_severities() -> None:
    answer = send("root", "POST", "/api/v1/alert-rules/", RULE)
    assert answer.status_code == 201
    rule = AlertRule.objects.get()
    assert rule.severities == {"critical": Severity.objects.get(name="SEV1").pk}
    assert answer.json()["severities"] == {"critical": "SEV1"}
    path = f"/api/v1/alert-rules/{rule.pk}/"
    assert (
        send("root", "PATCH", path, {"action": "attach"}, **{"If-Match": answer["ETag"]}).json()["action"] == "attach"
    )
    assert send("root", "PATCH", path, {"action": "open"}, **{"If-Match": answer["ETag"]}).status_code == 412
    assert send("ada", "PATCH", path, {"action": "open"}).status_code == 403
    assert send("root", "DELETE", path, None).status_code == 204


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"matchers": "severity critical"}, "matchers"),
        ({"severity": "SEV9"}, "severity"),
        ({"severities": {"critical": "SEV9"}}, "severities"),
        ({"action": "explode"}, "action"),
        ({"source": "no such"}, "source"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_by_its_field(wrong: dict[str, Any], field: str) -> None:
    answer = send("root", "POST", "/api/v1/alert-rules/", RULE | wrong)
    assert answer.status_code in {400, 422}
    assert field in str(answer.json()["errors"])
    assert not AlertRule.objects.exists()


def test_queries_are_read_by_all_and_written_by_admins() -> None:
    made = make_query_template()
    (shown,) = client("cy").get("/api/v1/queries/").json()["results"]
    assert (shown["name"], shown["language"]) == ("up", "PromQL")
    body = {"name": "down", "title": "Down", "language": "PromQL", "expr": "up == 0", "services": ["checkout"]}
    assert send("ada", "POST", "/api/v1/queries/", body).status_code == 403
    assert send("root", "POST", "/api/v1/queries/", body).status_code == 201
    assert QueryTemplate.objects.get(name="down").services == ["checkout"]
    assert send("root", "PATCH", f"/api/v1/queries/{made.pk}/", {"expr": ""}).status_code in {400, 422}
    assert send("root", "DELETE", f"/api/v1/queries/{made.pk}/", None).status_code == 204
