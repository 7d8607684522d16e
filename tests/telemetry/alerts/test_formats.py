"""Each sender's own format, made into one form."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest

from telemetry.alerts.formats import FORMATS
from telemetry.alerts.rows import BadAlerts
from tests.telemetry.alerts.payloads import body_of

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
BEGAN = datetime(2026, 11, 21, 6, 40, tzinfo=UTC)


def test_alertmanager_names_the_start_and_no_end_while_it_fires() -> None:
    errors, _ = FORMATS["alertmanager"](body_of("alertmanager", "firing"), NOW).rows
    assert (errors.fingerprint, errors.title, errors.severity) == ("aa11", "CheckoutErrors", "critical")
    assert errors.starts_at.isoformat() == "2026-11-21T06:40:00.123000+00:00"
    assert errors.ends_at is None
    assert errors.labels["service"] == "checkout"
    assert errors.url.startswith("http://prometheus.example:9090/")


def test_what_alertmanager_left_out_is_told_with_each_alert() -> None:
    found = FORMATS["alertmanager"](body_of("alertmanager", "firing"), NOW)
    assert found.truncated == 3
    assert {row.annotations["truncated_alerts"] for row in found.rows} == {"3"}


def test_an_end_is_taken_from_the_alert() -> None:
    errors, _ = FORMATS["alertmanager"](body_of("alertmanager", "resolved"), NOW).rows
    assert errors.ends_at == datetime(2026, 11, 21, 6, 58, 0, 500_000, UTC)


def test_grafana_tells_the_value_and_its_panel() -> None:
    (alert,) = FORMATS["grafana-alerting"](body_of("grafana-alerting", "firing"), NOW).rows
    assert alert.starts_at == datetime(2026, 11, 21, 5, 40, tzinfo=UTC)
    assert "value=44.2" in alert.annotations["value"]
    assert alert.url == "https://grafana.example/d/shop?viewPanel=2"


def test_pagerduty_fires_from_its_creation_until_it_is_resolved() -> None:
    (fired,) = FORMATS["pagerduty"](body_of("pagerduty", "triggered"), NOW).rows
    (ended,) = FORMATS["pagerduty"](body_of("pagerduty", "resolved"), NOW).rows
    assert (fired.fingerprint, fired.starts_at, fired.severity) == ("PT4KHLK", BEGAN, "P1")
    assert fired.ends_at is None
    assert (ended.fingerprint, ended.starts_at) == ("PT4KHLK", BEGAN)
    assert ended.ends_at == datetime(2026, 11, 21, 7, 2, 11, tzinfo=UTC)
    assert fired.labels | {"service": "checkout", "team": "payments"} == fired.labels


def test_a_pagerduty_incident_opened_again_is_another_firing() -> None:
    body = body_of("pagerduty", "triggered")
    body["event"] |= {"event_type": "incident.reopened", "occurred_at": "2026-11-21T07:30:00Z"}
    (again,) = FORMATS["pagerduty"](body, NOW).rows
    assert again.starts_at == datetime(2026, 11, 21, 7, 30, tzinfo=UTC)


def test_a_pagerduty_ping_is_taken_and_holds_nothing() -> None:
    assert FORMATS["pagerduty"](body_of("pagerduty", "ping"), NOW).rows == ()


def test_opsgenie_tags_become_labels_and_a_close_ends_it() -> None:
    (created,) = FORMATS["opsgenie"](body_of("opsgenie", "create"), NOW).rows
    (closed,) = FORMATS["opsgenie"](body_of("opsgenie", "close"), NOW).rows
    assert {
        "namespace": "shop",
        "service": "checkout",
        "tags": "urgent",
        "priority": "P2",
    }.items() <= created.labels.items()
    assert created.ends_at is None
    assert (closed.fingerprint, closed.starts_at) == (created.fingerprint, created.starts_at)
    assert closed.ends_at is not None
    assert (closed.ends_at - closed.starts_at).total_seconds() == 1_200


def test_the_documented_form_needs_a_title_alone() -> None:
    probe, certificate = FORMATS["webhook"](body_of("webhook", "list"), NOW).rows
    assert (probe.fingerprint, probe.labels["service"], probe.starts_at) == ("probe-7", "checkout", BEGAN)
    assert (certificate.starts_at, len(certificate.fingerprint)) == (NOW, 16)
    (alone,) = FORMATS["webhook"]({"title": "One"}, NOW).rows
    assert alone.title == "One"


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("body", [None, 3, "text", {}, {"event": 1}, {"alerts": {}}, {"action": 4}], ids=repr)
def test_a_body_of_another_shape_is_refused_or_holds_nothing(kind: str, body: Any) -> None:
    found: Any = None
    with contextlib.suppress(BadAlerts):
        found = FORMATS[kind](body, NOW)
    assert found is None or not found.rows


def test_an_odd_alert_costs_itself_alone() -> None:
    body = body_of("alertmanager", "firing")
    body["alerts"] += [7, {"status": "maybe"}, {"status": "firing", "startsAt": "0001-01-01T00:00:00Z"}]
    found = FORMATS["alertmanager"](body, NOW)
    assert len(found.rows) == 2
    assert sum(found.reasons.values()) == 3
    assert any("startsAt: expected a time" in reason for reason in found.reasons)


def test_secrets_do_not_come_in_and_links_are_of_the_web_alone() -> None:
    told = {"title": "Login fails", "labels": {"note": "password=hunter2"}, "url": "javascript:alert(1)"}
    (alert,) = FORMATS["webhook"](told, NOW).rows
    assert "hunter2" not in str(alert)
    assert alert.redactions == {"assigned-secret": 1}
    assert alert.url == ""


def test_more_than_a_thousand_alerts_are_told_as_too_many() -> None:
    found = FORMATS["webhook"]([{"title": f"Alert {number}"} for number in range(1_005)], NOW)
    assert (len(found.rows), found.reasons) == (1_000, {"over 1,000 alerts in one request": 5})
