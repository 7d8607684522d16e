"""A run through the broker and a real worker, from the press of the button to the verdict."""

from __future__ import annotations

import pytest
from django.test import Client

from knowledge.models import ChecklistRun, ChecklistTick
from tests import running
from tests.builders import make_checklist, make_person
from tests.fixtures import signed_in
from tests.knowledge.checks.judged import connect
from tests.stand_ins.kubernetes import KubernetesStandIn


@pytest.mark.xdist_group("worker")
def test_a_run_is_checked_by_a_worker_and_again_on_demand(worker: None, committed: None) -> None:
    with KubernetesStandIn() as server:
        connect(server)
        checklist = make_checklist(items=[{"text": "Two replicas", "check_name": "replicas"}])
        ada: Client = signed_in(make_person("ada"))
        target = {"namespace": "shop", "workload_kind": "Deployment", "workload_name": "checkout"}
        address = ada.post(f"/checklists/{checklist.pk}/start/", target)["Location"]

        def verdict_is(verdict: str) -> bool:
            done = ChecklistRun.objects.filter(check_state="done").exists()
            return done and ChecklistTick.objects.filter(verdict=verdict).exists()

        running.wait_for(lambda: verdict_is("fail"), "the first verdict")
        server.edit("deployments", lambda items: [one["status"].update(readyReplicas=3) for one in items])
        ada.post(f"{address}check/")
        running.wait_for(lambda: verdict_is("pass"), "the second verdict")
