"""Annotations, dashboard links and what is written back, against a stand-in from documented answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from telemetry.collectors.grafana import GrafanaCollector, write_region
from telemetry.http import SourceError
from telemetry.observations import Budget, Connection, EvidenceType, Level, Scope, Status, Workload
from tests.stand_ins.grafana import TOKEN, GrafanaStandIn
from tests.stand_ins.server import Asked, Reply
from tests.telemetry.collectors.asking import OUTAGE, SHOP, ask, at

PATIENT = Budget(deadline_seconds=3)


@pytest.fixture
def server() -> Iterator[GrafanaStandIn]:
    with GrafanaStandIn() as stand_in:
        yield stand_in


def connection(server: GrafanaStandIn, token: str = TOKEN, **options: Any) -> Connection:
    return Connection(name="g", url=server.url, auth={"bearer": token}, allow_private=True, options=options)


def ms(when: datetime) -> int:
    return int(when.timestamp() * 1_000)


def test_annotations_of_the_window_come_in_order_of_time(server: GrafanaStandIn) -> None:
    server.add(ms(at("06:50:00")), "Rolled back", tags=["deploy", "shop"])
    server.add(
        ms(at("06:36:00")), "Deploy 1.42 of <b>checkout</b> &amp; cart", timeEnd=ms(at("06:37:00")), tags=["deploy"]
    )
    server.add(ms(at("05:00:00")), "Long ago")
    outcome, (deploy, back) = ask(GrafanaCollector(connection(server)), "annotations")
    assert (outcome.status, outcome.kept) == (Status.COMPLETE, 2)
    assert (deploy.type, deploy.title) == (EvidenceType.ANNOTATION, "Deploy 1.42 of checkout & cart")
    assert (deploy.first_at, deploy.last_at) == (at("06:36:00"), at("06:37:00"))
    assert (deploy.level, back.level) == (Level.NORMAL, Level.INFO)
    assert "admin@grafana.example" not in str(deploy)


def test_an_alerts_annotation_is_as_loud_as_its_state(server: GrafanaStandIn) -> None:
    server.add(
        ms(at("06:40:00")), "{job=checkout}", alertName="Errors", newState="Alerting", dashboardUID="shop", panelId=2
    )
    _, (alert,) = ask(GrafanaCollector(connection(server)), "annotations")
    assert (alert.title, alert.level) == ("Errors", Level.ERROR)
    address = urlsplit(alert.links[0]["url"])
    assert (address.path, parse_qs(address.query)["viewPanel"]) == ("/d/shop", ["2"])


def test_all_tags_of_the_options_are_asked_for(server: GrafanaStandIn) -> None:
    server.add(ms(at("06:40:00")), "One", tags=["deploy"])
    server.add(ms(at("06:41:00")), "Both", tags=["deploy", "prod"])
    _, (both,) = ask(GrafanaCollector(connection(server, tags=["deploy", "prod"])), "annotations")
    assert both.title == "Both"


def test_more_than_a_page_is_read_by_time(server: GrafanaStandIn) -> None:
    for number in range(1_100):
        server.add(ms(at("06:30:00")) + number * 1_000, f"Number {number}")
    outcome, found = ask(GrafanaCollector(connection(server)), "annotations", budget=PATIENT)
    assert (outcome.status, len(found)) == (Status.COMPLETE, 1_100)
    assert len({one.dedup_key for one in found}) == 1_100


def test_more_than_the_budget_is_told_as_truncated(server: GrafanaStandIn) -> None:
    for number in range(30):
        server.add(ms(at("06:30:00")) + number * 1_000, f"Number {number}")
    outcome, found = ask(
        GrafanaCollector(connection(server)), "annotations", budget=Budget(deadline_seconds=2, items=10)
    )
    assert (outcome.status, outcome.truncated_by, len(found)) == (Status.TRUNCATED, "items", 10)


def test_one_moment_that_fills_a_page_ends_the_reading(server: GrafanaStandIn) -> None:
    for number in range(600):
        server.add(ms(at("06:30:00")), f"Number {number}")
    outcome, _ = ask(GrafanaCollector(connection(server)), "annotations", budget=PATIENT)
    assert outcome.status is Status.TRUNCATED


def test_nothing_in_the_window_is_empty(server: GrafanaStandIn) -> None:
    assert ask(GrafanaCollector(connection(server)), "annotations")[0].status is Status.EMPTY


def test_a_second_page_that_fails_leaves_the_first_as_partial(server: GrafanaStandIn) -> None:
    class Failing(GrafanaStandIn):
        def found(self, asked: Any) -> Any:
            return self.refusal(500, asked) if len(self.requests) > 1 else super().found(asked)

    with Failing() as failing:
        for number in range(600):
            failing.add(ms(at("06:30:00")) + number * 1_000, f"Number {number}")
        outcome, found = ask(GrafanaCollector(connection(failing)), "annotations", budget=PATIENT)
    assert (outcome.status, len(found)) == (Status.PARTIAL, 500)


def test_secrets_and_markup_stay_out(server: GrafanaStandIn) -> None:
    server.add(ms(at("06:40:00")), "<script>alert(1)</script>token=abcdef123456", tags=["password=hunter2"])
    outcome, (one,) = ask(GrafanaCollector(connection(server)), "annotations")
    assert "<script>" not in str(one)
    assert "abcdef123456" not in str(one)
    assert "hunter2" not in str(one)
    assert outcome.redactions == {"assigned-secret": 2}


def test_a_dashboard_is_linked_at_the_window_with_the_scopes_variables(server: GrafanaStandIn) -> None:
    boards = [
        {"title": "Shop", "uid": "shop/1", "vars": {"namespace": "{namespaces}", "app": "{services}", "env": "prod"}}
    ]
    scope = Scope(namespaces=("shop",), workloads=(Workload("Deployment", "shop", "checkout"),), services=("cart",))
    collector = GrafanaCollector(connection(server, dashboards=boards, link_url="https://grafana.example/g"))
    outcome, (link,) = ask(collector, "dashboard_0", scope=scope)
    assert (outcome.status, link.type, server.requests) == (Status.COMPLETE, EvidenceType.LINK, [])
    address = urlsplit(link.links[0]["url"])
    assert (address.netloc, address.path) == ("grafana.example", "/g/d/shop%2F1")
    fields = parse_qs(address.query)
    assert (fields["from"], fields["to"]) == ([str(ms(OUTAGE.start))], [str(ms(OUTAGE.end))])
    assert (fields["var-namespace"], fields["var-app"], fields["var-env"]) == (["shop"], ["checkout", "cart"], ["prod"])


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("401", Status.UNAUTHENTICATED),
        ("403", Status.DENIED),
        ("429", Status.THROTTLED),
        ("500", Status.ERROR),
        ("hang", Status.TIMEOUT),
        ("cut", Status.ERROR),
        ("garbage", Status.ERROR),
        ("reset", Status.ERROR),
    ],
)
def test_what_goes_wrong_is_named(server: GrafanaStandIn, fault: str, status: Status) -> None:
    server.fault("/api/annotations", fault, retry_after="9")
    outcome, found = ask(GrafanaCollector(connection(server)), "annotations", budget=Budget(deadline_seconds=0.4))
    assert (outcome.status, found) == (status, [])


def test_a_missing_permission_is_named(server: GrafanaStandIn) -> None:
    server.fault("/api/annotations", "403")
    outcome, _ = ask(GrafanaCollector(connection(server)), "annotations", scope=SHOP)
    assert "annotations:read" in outcome.remedy
    (check,) = [check for check in GrafanaCollector(connection(server)).preflight() if not check.ok]
    assert check.name == "permitted"


def test_an_incident_is_written_once_brought_up_to_date_and_not_collected_again(server: GrafanaStandIn) -> None:
    start = at("06:38:00")
    for end in (None, at("06:58:00")):
        write_region(
            connection(server), tag="INC-7", tags=("SEV2", "shop"), text="INC-7 Checkout", start=start, end=end
        )
    (region,) = server.annotations
    assert region["tags"] == ["debrief", "INC-7", "SEV2", "shop"]
    assert (region["time"], region["timeEnd"]) == (ms(start), ms(at("06:58:00")))
    outcome, found = ask(GrafanaCollector(connection(server)), "annotations")
    assert (outcome.status, found) == (Status.EMPTY, [])


def test_a_reopened_incident_has_no_end_again(server: GrafanaStandIn) -> None:
    start = at("06:38:00")
    for end in (None, at("06:58:00"), None):
        write_region(connection(server), tag="INC-7", tags=(), text="INC-7", start=start, end=end)
    (region,) = server.annotations
    assert (region["time"], region["timeEnd"]) == (ms(start), ms(start))


def test_a_region_whose_answer_was_lost_is_not_written_twice() -> None:
    class Losing(GrafanaStandIn):
        def answer(self, asked: Asked) -> Reply:
            reply = super().answer(asked)
            return reply if asked.method != "POST" else Reply(504, b"gateway timeout")

    with Losing() as losing:
        with pytest.raises(SourceError) as lost:
            write_region(connection(losing), tag="INC-7", tags=(), text="t", start=at("06:38:00"), end=None)
        assert lost.value.retryable
        write_region(connection(losing), tag="INC-7", tags=(), text="t", start=at("06:38:00"), end=None)
    assert len(losing.annotations) == 1


def test_the_end_of_the_window_is_not_part_of_it(server: GrafanaStandIn) -> None:
    server.add(ms(OUTAGE.end) - 1, "Before")
    server.add(ms(OUTAGE.end), "At the end")
    outcome, (before,) = ask(GrafanaCollector(connection(server)), "annotations")
    assert (before.title, outcome.kept, outcome.dropped) == ("Before", 1, 0)


def test_writing_without_the_role_says_which_one_is_missing(server: GrafanaStandIn) -> None:
    with pytest.raises(SourceError) as refused:
        write_region(connection(server, token="wrong"), tag="INC-7", tags=(), text="t", start=at("06:38:00"), end=None)
    assert refused.value.status is Status.UNAUTHENTICATED
