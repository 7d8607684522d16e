"""The page of alerts and its rules: who sees what, who may do what, nothing runs, nothing typed is lost."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.alert_watch import look
from incidents.models import AlertDeed, AlertRule, Incident, MitigationProposal, Severity
from tests.builders import NOW, make_alert, make_alert_rule, make_incident, make_person

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def shown(client: Client, path: str = "/alerts/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def form(**overrides: str) -> dict[str, str]:
    severity = str(Severity.objects.get(name="SEV2").pk)
    typed = {"name": "Serious ones", "enabled": "on", "matchers": 'severity="critical"', "action": "open"}
    typed |= {"severity": severity, "severity_label": "severity", "severities": "critical = SEV1"}
    typed |= {"namespace_label": "namespace", "service_label": "service", "cluster_label": "cluster"}
    return typed | {"group_by": "alertname, namespace", "when_ended": "mark"} | overrides


def test_an_empty_page_says_what_to_do(as_root: Client, as_cy: Client) -> None:
    page = shown(as_root)
    assert "Add the usual rules" in page
    assert "/hooks/alertmanager/" in page
    assert "Add the usual rules" not in shown(as_cy)
    as_root.post("/alerts/rules/usual/")
    assert "Serious alerts open an incident" in shown(as_cy)


def test_an_admin_writes_a_rule(as_root: Client, as_cy: Client) -> None:
    assert as_root.post("/alerts/rules/new/", form()).status_code == 302
    rule = AlertRule.objects.get()
    assert (rule.severities, rule.group_by) == (
        {"critical": Severity.objects.get(name="SEV1").pk},
        ["alertname", "namespace"],
    )
    assert (rule.when_ended, rule.changed_by.username) == ("mark", "root")
    assert "Opens as SEV1 for critical; else SEV2." in shown(as_cy)
    assert as_root.post(f"/alerts/rules/{rule.pk}/", form(name="Others", action="attach")).status_code == 302
    assert "Joins an open incident" in shown(as_cy)
    assert "critical = SEV1" in shown(as_root, f"/alerts/rules/{rule.pk}/")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"matchers": "severity is critical"}, "Line 1: expected label="),
        ({"severities": "critical: SEV1"}, "expected word = one of SEV1"),
        ({"severities": "critical = SEV9"}, "expected word = one of SEV1"),
        ({"group_by": "a b, 1c"}, "is no label"),
        ({"namespace_label": "name space"}, "is no label"),
        ({"name": ""}, "required"),
    ],
)
def test_a_rule_that_cannot_work_comes_back_with_what_was_typed(
    as_root: Client, typed: dict[str, str], words: str
) -> None:
    answer = as_root.post("/alerts/rules/new/", form(**typed))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page
    assert "alertname, namespace" in page or "a b, 1c" in page
    assert not AlertRule.objects.exists()


def test_the_form_of_a_new_rule_can_be_saved_as_it_stands(as_root: Client) -> None:
    page = as_root.get("/alerts/rules/new/").content.decode()
    assert re.search(r'<option value="\d+" selected>SEV', page)
    assert re.search(r"<textarea[^>]*name=.severities[^>]*>\s*</textarea>", page)


def test_a_second_rule_of_the_same_name_is_refused(as_root: Client) -> None:
    as_root.post("/alerts/rules/new/", form())
    answer = as_root.post("/alerts/rules/new/", form())
    assert answer.status_code == 422
    assert "already exists" in answer.content.decode()


def test_each_alert_says_what_became_of_it(as_cy: Client) -> None:
    make_alert_rule()
    make_alert()
    look(NOW)
    page = shown(as_cy)
    assert f'<a href="{Incident.objects.get().get_absolute_url()}">INC-' in page
    assert "by the rule Everything" in page


def test_a_person_opens_an_incident_of_an_alert_once(as_ada: Client) -> None:
    alert = make_alert(starts_at=timezone.now() - timedelta(minutes=3))
    look(timezone.now())
    for _ in range(2):
        answer = as_ada.post(f"/alerts/{alert.pk}/declare/")
        assert answer.url == Incident.objects.get().get_absolute_url()
    assert AlertDeed.objects.get().outcome == "opened"
    assert Incident.objects.get().namespaces == ["shop"]


def test_texts_of_senders_run_nowhere(as_cy: Client) -> None:
    make_alert_rule()
    make_alert(title=HOSTILE, labels={HOSTILE: HOSTILE}, annotations={"summary": HOSTILE, "description": HOSTILE})
    look(NOW)
    for path in ("/alerts/", Incident.objects.get().get_absolute_url()):
        page = shown(as_cy, path)
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_an_alert_of_a_restricted_incident_is_hidden_from_those_who_may_not_see_it(
    as_cy: Client, as_root: Client
) -> None:
    incident = make_incident(visibility="restricted", namespaces=["shop"], by=make_person("ben"))
    make_alert_rule(action="attach")
    alert = make_alert()
    look(NOW)
    assert AlertDeed.objects.get().incident == incident
    assert alert.title not in shown(as_cy)
    assert alert.title in shown(as_root)


def test_search_and_filter_narrow_the_list(as_cy: Client) -> None:
    make_alert()
    make_alert(fingerprint="2", title="DiskFull", labels={"node": "node-7"}, status="resolved", ends_at=NOW)
    assert "DiskFull" not in shown(as_cy, "/alerts/?show=firing")
    assert "CheckoutErrors" not in shown(as_cy, "/alerts/?q=node-7")
    assert "Nothing matches" in shown(as_cy, "/alerts/?q=nothing-like-this")


def test_a_long_list_costs_no_more_queries(as_root: Client) -> None:
    make_alert_rule()
    make_alert()
    look(NOW)
    with CaptureQueriesContext(
        connection,
    ) as few:
        shown(as_root)
    for number in range(40):
        make_alert(fingerprint=str(number), title=f"Other{number}")
    look(NOW)
    with CaptureQueriesContext(connection) as many:
        shown(as_root)
    assert len(many) <= len(few)
    assert "Next page" in shown(as_root)


def test_the_incident_asks_whether_it_is_mitigated(as_ada: Client, as_cy: Client) -> None:
    make_alert_rule()
    make_alert(starts_at=timezone.now() - timedelta(minutes=5), received_at=timezone.now())
    look(timezone.now())
    incident = Incident.objects.get()
    MitigationProposal.objects.create(incident=incident, ended_at=timezone.now(), alerts=1, proposed_at=timezone.now())
    assert "Mark as mitigated" in shown(as_ada, incident.get_absolute_url())
    assert "Mark as mitigated" not in shown(as_cy, incident.get_absolute_url())
    as_ada.post(f"{incident.get_absolute_url()}mitigation/", {"accepted": "1"})
    incident.refresh_from_db()
    assert incident.status == "mitigated"
