"""Lines of the timeline that a rule recognised: they carry its badge, stand out, and leave frozen evidence alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from incidents.collecting import store
from incidents.models import Evidence, Incident
from incidents.timeline import lines_for
from telemetry.models import Cluster
from telemetry.observations import Level, Observation
from tests.builders import NOW, make_cluster, make_incident, make_observation, make_run
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.telemetry.collectors.archiving import archive_outage, archiving, keyed, live
from tests.telemetry.collectors.asking import ask

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster() -> Any:
    with KubernetesStandIn() as stand_in:
        yield make_cluster(kubeconfig=stand_in.kubeconfig(), allow_private=True), stand_in


def asked_both_ways(
    cluster: Cluster, stand_in: KubernetesStandIn, noun: str
) -> tuple[dict[str, Observation], dict[str, Observation]]:
    _, asked = ask(live(cluster), noun)
    archive_outage(cluster, stand_in)
    _, read = ask(archiving(cluster), noun)
    return keyed(asked), keyed(read)


@pytest.mark.parametrize(
    ("noun", "signals"),
    [
        ("events", {"failed-scheduling", "failed-mount", "node-not-ready"}),
        ("restarts", {"failed-scheduling"}),
        ("nodes", {"node-not-ready"}),
    ],
)
def test_a_recorded_observation_carries_its_signal_live_and_archived(
    cluster: Any, noun: str, signals: set[str]
) -> None:
    asked, read = asked_both_ways(*cluster, noun)
    assert {one.payload["signal"] for one in asked.values() if "signal" in one.payload} >= signals
    for key, observation in asked.items():
        assert read[key].payload.get("signal") == observation.payload.get("signal")
        if noun == "events":
            assert read[key].digest() == observation.digest()


def test_a_normal_event_that_a_rule_knows_is_louder_than_normal(cluster: Any) -> None:
    _, stand_in = cluster

    def call_it_normal(items: list[Any]) -> None:
        for item in items:
            item["type"] = "Normal"

    stand_in.edit("events", call_it_normal)
    _, found = ask(live(cluster[0]), "events")
    levels = {(one.payload["reason"], one.level) for one in found}
    assert ("FailedScheduling", Level.WARNING) in levels
    assert ("NodeNotReady", Level.ERROR) in levels
    assert ("Scheduled", Level.NORMAL) in levels


def signalled(**overrides: Any) -> Observation:
    payload = {"reason": "BackOff", "message": "Back-off restarting failed container", "signal": "crash-loop"}
    return make_observation(**({"payload": payload, "level": Level.ERROR} | overrides))


def test_a_line_says_which_rule_recognised_it() -> None:
    (line,) = lines_for(signalled())
    assert line.detail == {"signal": "crash-loop"}
    (plain,) = lines_for(make_observation())
    assert plain.detail == {}


def page(client: Client, incident: Incident) -> str:
    answer = client.get(f"{incident.get_absolute_url()}timeline/", headers={"HX-Request": "true"})
    return answer.content.decode()


def test_the_line_has_a_badge_with_the_reason_and_a_way_to_the_rule(as_cy: Client) -> None:
    incident = make_incident()
    store(make_run(incident), [signalled()], NOW)
    shown = page(as_cy, incident)
    assert '<a class="tagx sig" href="/signals/#crash-loop" title="A container ends again and again' in shown
    assert ">Crash loop</a>" in shown


def test_a_line_with_a_signal_is_not_folded_among_normal_ones(as_cy: Client) -> None:
    incident = make_incident()
    odd = signalled(
        dedup_key="event:odd",
        level=Level.NORMAL,
        first_at=NOW + timedelta(seconds=2),
        last_at=NOW + timedelta(seconds=2),
    )
    normal = [
        make_observation(
            dedup_key=f"event:{place}", level=Level.NORMAL, first_at=at, last_at=at, payload={"reason": "Pulled"}
        )
        for place, at in enumerate(
            (NOW, NOW + timedelta(seconds=1), NOW + timedelta(seconds=3), NOW + timedelta(seconds=4))
        )
    ]
    store(make_run(incident), [odd, *normal], NOW)
    shown = page(as_cy, incident)
    assert shown.count("2 Normal events: Pulled ×2") == 2
    assert shown.count(">Crash loop</a>") == 1


def test_a_fold_of_alike_lines_names_their_signal_and_a_hostile_name_is_text(as_cy: Client) -> None:
    incident = make_incident()
    at = [NOW + timedelta(seconds=place) for place in range(4)]
    alike = [signalled(dedup_key=f"event:{place}", first_at=at[place], last_at=at[place]) for place in range(3)]
    hostile = signalled(dedup_key="event:x", first_at=at[3], last_at=at[3], payload={"reason": "x", "signal": "<b>&"})
    store(make_run(incident), [*alike, hostile], NOW)
    shown = page(as_cy, incident)
    assert "3 alike: BackOff ×3" in shown
    assert '<span class="tagx sig">Crash loop</span></span></summary>' in shown
    assert '<span class="tagx sig">&lt;b&gt;&amp;</span>' in shown


def test_evidence_that_was_frozen_before_keeps_its_hash() -> None:
    incident = make_incident()
    before = make_observation()
    store(make_run(incident), [before], NOW)
    Evidence.objects.update(frozen_at=timezone.now())
    Incident.objects.update(evidence_frozen_at=timezone.now())
    assert store(make_run(incident), [signalled()], NOW) == 0
    (row,) = Evidence.objects.all()
    assert row.sha256 == before.digest()
    assert "signal" not in row.payload
