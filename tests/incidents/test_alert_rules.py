"""What becomes of an alert: the first rule that matches, groups, places, ends, and storms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Role
from accounts.problems import InvalidInput
from incidents.actions.alert_rule import add_usual_rules, move_rule
from incidents.actions.incident import change_status
from incidents.alert_watch import look
from incidents.matchers import BadMatcher, parse_matchers
from incidents.models import AlertDeed, AlertRule, Incident, Severity, TimelineEntry
from telemetry.actions.source import delete_source
from telemetry.models import Alert
from tests.builders import NOW, make_alert, make_alert_rule, make_cluster, make_incident, make_person, make_source

pytestmark = pytest.mark.django_db


def again(number: int, **overrides: Any) -> Alert:
    """Another alert of the same place."""
    return make_alert(fingerprint=f"other-{number}", title=f"Other{number}", **overrides)


def outcome_of(alert: Alert) -> str:
    return str(AlertDeed.objects.get(alert=alert).outcome)


def test_an_alert_opens_an_incident_with_its_place_and_its_times() -> None:
    cluster = make_cluster()
    make_alert_rule(severities={"critical": Severity.objects.get(name="SEV1").pk})
    alert = make_alert(
        labels={"namespace": "shop", "service": "checkout", "cluster": cluster.name, "deployment": "checkout"}
    )
    assert look(NOW) == 1
    incident = Incident.objects.get()
    assert (incident.title, incident.severity.name) == ("More than 5 % of requests fail", "SEV1")
    assert (incident.namespaces, incident.services) == (["shop"], ["checkout"])
    assert incident.workloads == [{"kind": "Deployment", "namespace": "shop", "name": "checkout"}]
    assert list(incident.clusters.all()) == [cluster]
    assert incident.milestone_times()["impact_started"] == alert.starts_at
    assert incident.milestone_times()["detected"] == alert.received_at
    assert incident.declared_by.username == "root"
    assert incident.scope().alerts == ("aa11",)
    assert TimelineEntry.objects.filter(incident=incident, title="Opened by the rule Everything").exists()


def test_a_second_look_does_nothing_again() -> None:
    make_alert_rule()
    make_alert()
    assert [look(NOW), look(NOW)] == [1, 0]
    assert Incident.objects.count() == 1


def test_without_rules_an_alert_is_kept_and_opens_nothing() -> None:
    alert = make_alert()
    look(NOW)
    assert outcome_of(alert) == "unmatched"
    assert not Incident.objects.exists()


def test_the_first_enabled_rule_that_matches_decides() -> None:
    make_alert_rule(name="Off", enabled=False)
    make_alert_rule(name="Not of dev", matchers='namespace="dev"')
    ignored = make_alert_rule(name="Ignored", matchers='severity=~"crit.+"', action="ignore")
    make_alert_rule(name="Everything")
    alert = make_alert()
    look(NOW)
    assert (outcome_of(alert), AlertDeed.objects.get().rule) == ("ignored", ignored)


def test_a_rule_of_one_source_leaves_the_alerts_of_others() -> None:
    other = make_source(kind="pagerduty", name="PagerDuty")
    make_alert_rule(source=other)
    alert = make_alert()
    look(NOW)
    assert outcome_of(alert) == "unmatched"


def test_alerts_of_one_place_belong_to_one_incident() -> None:
    make_alert_rule()
    first = make_alert()
    second = again(2)
    look(NOW)
    third = again(3)
    look(NOW)
    assert [outcome_of(alert) for alert in (first, second, third)] == ["opened", "joined", "joined"]
    assert Incident.objects.count() == 1
    assert TimelineEntry.objects.filter(title="Alert: Other3").exists()


def test_alerts_are_grouped_by_the_labels_that_the_rule_names() -> None:
    make_alert_rule(group_by=["alertname", "region"])
    for region in ("eu", "us"):
        make_alert(fingerprint=region, labels={"alertname": "Errors", "region": region})
    look(NOW)
    assert Incident.objects.count() == 2


def test_an_alert_joins_an_open_incident_that_people_declared() -> None:
    incident = make_incident(namespaces=["shop"])
    make_alert_rule(action="attach")
    here, elsewhere = make_alert(), again(2, labels={"namespace": "billing"})
    look(NOW)
    assert AlertDeed.objects.get(alert=here).incident == incident
    assert outcome_of(elsewhere) == "alone"


def test_an_alert_that_was_alone_joins_the_incident_that_comes_later() -> None:
    make_alert_rule(action="attach")
    alert = make_alert()
    look(NOW)
    assert outcome_of(alert) == "alone"
    AlertDeed.objects.update(at=NOW - timedelta(minutes=1))
    incident = make_incident(namespaces=["shop"])
    look(NOW)
    assert AlertDeed.objects.get().incident == incident
    assert look(NOW + timedelta(hours=1)) == 0


def test_those_that_open_come_before_those_that_join() -> None:
    make_alert_rule(name="Serious", matchers='severity="critical"')
    make_alert_rule(name="Others", action="attach")
    mild = make_alert(fingerprint="0", severity="warning", labels={"namespace": "shop", "service": "checkout"})
    serious = make_alert(fingerprint="1")
    look(NOW)
    assert [outcome_of(alert) for alert in (serious, mild)] == ["opened", "joined"]


def test_another_workload_of_the_namespace_is_another_matter() -> None:
    incident = make_incident(namespaces=[], workloads=[{"kind": "Deployment", "namespace": "shop", "name": "cart"}])
    make_alert_rule(action="attach")
    alert = make_alert(labels={"namespace": "shop", "deployment": "checkout"})
    cart = again(2, labels={"namespace": "shop", "deployment": "cart"})
    look(NOW)
    assert outcome_of(alert) == "alone"
    assert AlertDeed.objects.get(alert=cart).incident == incident


def test_a_closed_incident_takes_no_alert() -> None:
    make_alert_rule()
    make_alert()
    look(NOW)
    change_status(incident=Incident.objects.get(), status="resolved", by=make_person("ada"), now=NOW)
    again(2)
    look(NOW)
    assert Incident.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"starts_at": NOW - timedelta(days=2)}, "more than a day"),
        ({"status": "resolved", "ends_at": NOW}, "ended before it was looked at"),
    ],
)
def test_old_news_opens_nothing_and_says_why(change: dict[str, Any], words: str) -> None:
    make_alert_rule()
    make_alert(**change)
    look(NOW)
    deed = AlertDeed.objects.get()
    assert (deed.outcome, words in deed.words) == ("refused", True)


def test_a_storm_opens_five_incidents_and_no_more() -> None:
    make_alert_rule(group_by=["alertname"])
    for number in range(8):
        again(number, labels={"alertname": f"Errors{number}"})
    look(NOW)
    assert Incident.objects.count() == 5
    assert set(AlertDeed.objects.filter(outcome="refused").values_list("words", flat=True)) == {
        "This rule opened 5 incidents within 10 minutes; this one waits for you."
    }


def test_a_rule_of_somebody_who_may_no_longer_declare_says_so() -> None:
    make_alert_rule()
    make_alert()
    person = make_person("root")
    person.role = Role.VIEWER
    person.save()
    look(NOW)
    assert "may not declare any more" in AlertDeed.objects.get().words


def test_the_usual_rules_come_once_and_in_order() -> None:
    root = make_person("root")
    assert [len(add_usual_rules(by=root, now=NOW)) for _ in range(2)] == [2, 0]
    serious, others = AlertRule.objects.all()
    assert (serious.action, others.action) == ("open", "attach")
    move_rule(rule=others, up=True, by=root, now=NOW)
    assert list(AlertRule.objects.all()) == [others, serious]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"matchers": "severity critical"}, "matchers"),
        ({"matchers": 'a=~"(x+)+"'}, "matchers"),
        ({"severities": {"critical": 999}}, "severities"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        make_alert_rule(**fields)
    assert field in refusal.value.errors


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        ('severity=~"critical|page"', {"severity": "page"}, True),
        ('severity=~"critical|page"', {"severity": "pages"}, False),
        ('{namespace="shop", severity!="info"}', {"namespace": "shop"}, True),
        ('namespace!~"dev-.+"', {"namespace": "dev-7"}, False),
        ('note="a \\"quoted\\" word"', {"note": 'a "quoted" word'}, True),
        ("team=shop\nseverity=high", {"team": "shop", "severity": "high"}, True),
        ('team=""', {}, True),
    ],
)
def test_conditions_read_as_prometheus_writes_them(text: str, labels: dict[str, str], holds: bool) -> None:
    assert all(one.matches(labels) for one in parse_matchers(text)) is holds


@pytest.mark.parametrize("text", ["severity", "=x", 'a="b" c="d"', 'a=~"("', 'a=~""', "\n".join(["a=b"] * 21)])
def test_a_condition_that_cannot_be_read_names_what_was_expected(text: str) -> None:
    with pytest.raises(BadMatcher, match="expected"):
        parse_matchers(text)


def test_an_alert_that_ended_long_before_joins_nothing() -> None:
    incident = make_incident(namespaces=["shop"])
    make_alert_rule(action="attach")
    old = make_alert(status="resolved", starts_at=NOW - timedelta(days=3), ends_at=NOW - timedelta(days=3))
    look(NOW)
    deed = AlertDeed.objects.get(alert=old)
    assert (deed.outcome, deed.words) == ("alone", f"It had ended before {incident.key} began.")


def test_an_alert_of_a_cluster_that_nobody_knows_joins_no_incident_of_another() -> None:
    make_incident(namespaces=["shop"], clusters=[make_cluster()])
    make_alert_rule(action="attach")
    alert = make_alert(labels={"namespace": "shop", "cluster": "staging"})
    look(NOW)
    assert outcome_of(alert) == "alone"


def test_an_alert_of_a_clock_ahead_does_not_begin_after_it_was_detected() -> None:
    make_alert_rule()
    make_alert(starts_at=NOW + timedelta(seconds=2))
    look(NOW + timedelta(seconds=10))
    times = Incident.objects.get().milestone_times()
    assert times["impact_started"] == times["detected"] == NOW


def test_labels_with_commas_make_no_group_of_others() -> None:
    rule = make_alert_rule(group_by=["namespace", "service"])
    one = make_alert(labels={"namespace": "x,service=y"})
    other = again(2, labels={"namespace": "x", "service": "y"})
    assert rule.group_of(one) != rule.group_of(other)
    assert len(rule.group_of(again(3, labels={"namespace": "x" * 2_000}))) <= 600


def test_a_source_that_a_rule_names_is_not_removed() -> None:
    rule = make_alert_rule(source=make_source(kind="pagerduty", name="PagerDuty"))
    with pytest.raises(InvalidInput, match="Everything"):
        delete_source(source=rule.source, by=make_person("root"), now=NOW)
    assert AlertRule.objects.exists()


def test_markup_of_senders_is_quoted_in_the_summary() -> None:
    make_alert_rule()
    make_alert(title="![x](https://evil.example/p.png) [[E-1]]", annotations={})
    look(NOW)
    assert "\n    ![x](" in Incident.objects.get().summary
