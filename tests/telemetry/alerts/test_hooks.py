"""Webhooks over HTTP: who may send, what is kept, what is said when it is not."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.actions.alert import receive_alerts
from telemetry.alerts.formats import FORMATS
from telemetry.alerts.rows import BadAlerts
from telemetry.models import Alert, Source
from telemetry.observations import Budget, Observation, Scope, Status, Window
from telemetry.registry import collector_for
from tests.builders import make_person, make_source, make_token
from tests.telemetry.alerts.payloads import body_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(10**30), 10**30) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)


@pytest.fixture
def token() -> str:
    return make_token(make_person("ada"), "ingest")


def send(token: str, kind: str, body: Any, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Authorization": f"Bearer {token}", **headers}
    return Client(headers=sent).post(f"/hooks/{kind}/", content, content_type="application/json")


def test_a_firing_alert_is_kept_once_however_often_it_comes(token: str) -> None:
    for _ in range(3):
        answer = send(token, "alertmanager", body_of("alertmanager", "firing"))
        assert answer.json() == {"accepted": 2, "rejected": 0, "left_out_by_sender": 3}
    assert sorted(Alert.objects.values_list("fingerprint", "status")) == [("aa11", "firing"), ("bb22", "firing")]
    assert Source.objects.get().kind == "alertmanager"


def test_its_end_ends_it_and_a_late_firing_does_not_open_it_again(token: str) -> None:
    ended_at = datetime.now(UTC).replace(microsecond=0)
    resolved = body_of("alertmanager", "resolved")
    for alert in resolved["alerts"]:
        alert["endsAt"] = ended_at.isoformat()
    for body in (body_of("alertmanager", "firing"), resolved, body_of("alertmanager", "firing"), resolved):
        send(token, "alertmanager", body)
    assert list(Alert.objects.values_list("status", "ends_at")) == [("resolved", ended_at)] * 2


def test_an_end_whose_start_never_came_is_kept_all_the_same(token: str) -> None:
    send(token, "alertmanager", body_of("alertmanager", "resolved"))
    assert Alert.objects.filter(status="resolved").count() == 2


def test_an_end_also_ends_earlier_firings_whose_end_was_lost(token: str) -> None:
    send(token, "pagerduty", body_of("pagerduty", "triggered"))
    again = body_of("pagerduty", "triggered")
    again["event"] |= {"event_type": "incident.reopened", "occurred_at": "2026-11-21T06:50:00Z"}
    send(token, "pagerduty", again)
    assert Alert.objects.filter(status="firing").count() == 2
    send(token, "pagerduty", body_of("pagerduty", "resolved"))
    assert Alert.objects.filter(status="firing").count() == 0


def test_a_changed_annotation_is_brought_up_to_date_and_handled_once(token: str) -> None:
    body = body_of("alertmanager", "firing")
    send(token, "alertmanager", body)
    Alert.objects.update(handled="firing")
    body["alerts"][0]["annotations"]["summary"] = "Worse now"
    send(token, "alertmanager", body)
    assert Alert.objects.get(fingerprint="aa11").annotations["summary"] == "Worse now"
    assert not Alert.objects.to_handle().exists()


def test_who_may_not_send_is_told_why(token: str) -> None:
    body = body_of("alertmanager", "firing")
    assert send("nonsense", "alertmanager", body).status_code == 401
    reader = make_token(make_person("cy"), "ingest")
    assert send(reader, "alertmanager", body).status_code == 403
    other = make_token(make_person("ben"), "read")
    answer = send(other, "alertmanager", body)
    assert (answer.status_code, "scope ingest" in answer.json()["message"]) == (403, True)
    assert not Alert.objects.exists()


def test_basic_authentication_takes_the_token_as_password(token: str) -> None:
    import base64

    basic = base64.b64encode(f"debrief:{token}".encode()).decode()
    answer = send("", "alertmanager", body_of("alertmanager", "firing"), Authorization=f"Basic {basic}")
    assert answer.status_code == 200


def test_a_named_source_takes_what_is_meant_for_it(token: str) -> None:
    make_source(kind="alertmanager", name="Alertmanager of prod-us")
    body = body_of("alertmanager", "firing")
    send(token, "alertmanager", body, **{"X-Debrief-Source": "Alertmanager of prod-us"})
    assert set(Alert.objects.values_list("source__name", flat=True)) == {"Alertmanager of prod-us"}
    refused = send(token, "alertmanager", body, **{"X-Debrief-Source": "No such"})
    assert (refused.status_code, "No such" in refused.json()["message"]) == (403, True)


def test_a_source_that_is_switched_off_takes_nothing(token: str) -> None:
    make_source(kind="alertmanager", name="Off", enabled=False)
    assert send(token, "alertmanager", body_of("alertmanager", "firing")).status_code == 403


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"nonsense", {"Content-Encoding": "gzip"}, 400),
        (b" " * (4 * 2**20 + 1), {}, 413),
        (gzip.compress(b" " * (5 * 2**20)), {"Content-Encoding": "gzip"}, 413),
        (b"[" * 100_000, {}, 400),
    ],
    ids=["cut", "list", "bytes", "no gzip", "too large", "bomb", "deep"],
)
def test_a_bad_body_is_refused_with_what_was_expected(
    token: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = send(token, "alertmanager", body, **headers)
    assert answer.status_code == status
    assert "expected" in answer.json()["message"]


def test_an_unknown_sender_is_told_which_are_known(token: str) -> None:
    answer = send(token, "nagios", {})
    assert (answer.status_code, "alertmanager" in answer.json()["message"]) == (404, True)


NAMES = """status labels annotations startsAt endsAt fingerprint title starts_at id severity alertId createdAt tags
details message event_type data service url occurred_at"""
ODD = st.dictionaries(st.sampled_from(NAMES.split()), JSON)


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from(sorted(FORMATS)), alert=JSON | ODD, name=st.sampled_from(["alerts", "event", "alert"]))
def test_no_body_breaks_the_intake(kind: str, alert: Any, name: str) -> None:
    now = datetime(2026, 11, 21, 8, tzinfo=UTC)
    wrapped = {name: alert if name != "alerts" else [alert], "action": "Create"}
    source, _ = Source.objects.get_or_create(kind=kind, name=kind)
    for body in (alert, wrapped):
        try:
            found = FORMATS[kind](json.loads(json.dumps(body)), now)
        except BadAlerts:
            continue
        receive_alerts(source=source, rows=found.rows, now=now)
    assert all(2000 <= row.starts_at.year < 2100 for row in Alert.objects.all())


def collected(kind: str, scope: Scope) -> tuple[Any, list[Observation]]:
    window = Window(datetime(2026, 11, 21, 6, 30, tzinfo=UTC), datetime(2026, 11, 21, 7, 5, tzinfo=UTC))
    source = Source.objects.get(kind=kind)
    collector, found = collector_for(kind)(source.connection()), []
    (query,) = collector.plan(scope, window)
    return collector.collect(query, window, Budget(), found.extend), found


def test_alerts_of_the_scope_and_those_without_a_place_become_evidence(token: str) -> None:
    send(token, "alertmanager", body_of("alertmanager", "firing"))
    send(token, "alertmanager", body_of("alertmanager", "resolved"))
    placeless = {"labels": {"alertname": "NodeDown", "node": "node-1"}, "fingerprint": "cc33"}
    send(token, "alertmanager", {"alerts": [body_of("alertmanager", "firing")["alerts"][0] | placeless]})
    outcome, found = collected("alertmanager", Scope(namespaces=("shop",)))
    assert outcome.status is Status.COMPLETE
    assert {one.payload["alertname"]: one.payload["ongoing"] for one in found} == {
        "NodeDown": True,
        "CheckoutErrors": False,
        "CheckoutSlow": False,
    }
    outcome, found = collected("alertmanager", Scope(namespaces=("billing",)))
    assert [one.payload["alertname"] for one in found] == ["NodeDown"]


def test_an_incidents_own_alerts_come_whatever_their_labels_say(token: str) -> None:
    send(token, "alertmanager", body_of("alertmanager", "firing"))
    _, found = collected("alertmanager", Scope(namespaces=("billing",), alerts=("aa11",)))
    assert [one.payload["alertname"] for one in found] == ["CheckoutErrors"]


def test_silence_is_told_apart_from_what_was_never_set_up(token: str) -> None:
    make_source(kind="alertmanager", name="Alertmanager")
    assert collected("alertmanager", Scope())[0].status is Status.NOT_CONFIGURED
    body = body_of("alertmanager", "resolved")
    send(token, "alertmanager", body)
    Alert.objects.update(
        starts_at=NOW - timedelta(days=2), ends_at=NOW - timedelta(days=2), received_at=NOW - timedelta(days=2)
    )
    assert collected("alertmanager", Scope())[0].status is Status.EMPTY


@pytest.mark.parametrize("kind", ["alertmanager", "grafana-alerting", "webhook"])
@pytest.mark.parametrize("status", [[], {}, None, 7])
def test_an_odd_status_costs_its_alert_alone(token: str, kind: str, status: Any) -> None:
    fine = {"title": "Fine", "status": "firing", "startsAt": "2026-11-21T06:40:00Z", "labels": {"alertname": "Fine"}}
    answer = send(token, kind, {"alerts": [fine, fine | {"status": status}]})
    assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (200, 1, 1)


def test_an_alert_that_fires_on_after_its_end_fires_again(token: str) -> None:
    """Prometheus that was cut off from Alertmanager: the alert ended there, and goes on with the start it had."""
    began = datetime.now(UTC) - timedelta(hours=2)
    alert = body_of("alertmanager", "firing")["alerts"][0] | {"startsAt": began.isoformat()}
    ended = alert | {"status": "resolved", "endsAt": (began + timedelta(minutes=10)).isoformat()}
    for one in (alert, ended, alert, alert):
        send(token, "alertmanager", {"alerts": [one]})
    first, again = Alert.objects.order_by("starts_at")
    assert (first.status, again.status) == ("resolved", "firing")
    assert again.starts_at > datetime.now(UTC) - timedelta(minutes=1)
    send(token, "alertmanager", {"alerts": [ended | {"endsAt": datetime.now(UTC).isoformat()}]})
    assert not Alert.objects.filter(status="firing").exists()


def test_a_webhook_without_a_start_is_one_firing_until_it_ends(token: str) -> None:
    for _ in range(3):
        send(token, "webhook", {"id": "probe", "title": "Down"})
    assert Alert.objects.count() == 1
    send(token, "webhook", {"id": "probe", "title": "Down", "status": "resolved"})
    assert Alert.objects.get().status == "resolved"
    send(token, "webhook", {"id": "probe", "title": "Down", "status": "resolved"})
    assert Alert.objects.count() == 1
