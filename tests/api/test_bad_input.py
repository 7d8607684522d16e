"""Bodies that would have no place in the database are refused by field, never answered with a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest

from knowledge.actions.run import start_run
from telemetry.models import Cluster
from tests.api.calling import Api
from tests.builders import NOW, make_checklist, make_cluster, make_person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "body",
    [
        '{"title": NaN}',
        '{"title": Infinity}',
        '{"title": 1e400}',
        '{"title": ' + "[" * 80 + "]" * 80 + "}",
        "[" * 90_000,
    ],
    ids=["nan", "infinity", "1e400", "80 levels", "90,000 levels"],
)
def test_json_that_cannot_be_stored_is_refused(body: str) -> None:
    client = Api(make_person("ada")).client
    answer = client.generic("POST", "/api/v1/incidents/", body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("given", [{"id": []}, {"id": {}}, {"id": True}, {"id": 0}, "tick", None])
def test_a_tick_that_is_none_is_named(given: Any) -> None:
    ada = make_person("ada")
    run = start_run(checklist=make_checklist(), by=ada, now=NOW, service="checkout")
    answer = Api(ada).patch(f"checklist-runs/{run.pk}/", {"ticks": [given]})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith("ticks")


def test_a_kubeconfig_that_no_key_opens_can_be_sent_again() -> None:
    cluster, root = make_cluster(), make_person("root")
    kubeconfig = json.dumps(cluster.kubeconfig())
    Cluster.objects.update(credentials=b"unreadable")
    refused = Api(root, "admin").patch(f"clusters/{cluster.pk}/", {"name": "renamed"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "kubeconfig")
    taken = Api(root, "admin").patch(f"clusters/{cluster.pk}/", {"kubeconfig": kubeconfig})
    assert taken.status_code == 200, taken.content
