"""Who hears of what alerting proposes."""

from __future__ import annotations

from typing import Any

import pytest

from incidents import signals
from incidents.alerting import look
from tests.builders import NOW, make_cluster, make_incident, make_policy
from tests.hearing import heard
from tests.incidents.test_alerting import MINUTE, goes_on, happens, only

pytestmark = pytest.mark.django_db


def test_those_above_hear_of_a_new_proposal_once(django_capture_on_commit_callbacks: Any) -> None:
    make_policy()
    happens()
    with heard(signals.incident_proposed) as said, django_capture_on_commit_callbacks(execute=True):
        look(NOW + MINUTE)
        goes_on(NOW + 2 * MINUTE)
        look(NOW + 3 * MINUTE)
    assert said == [{"proposal_id": only().pk, "at": NOW + MINUTE}]


@pytest.mark.parametrize("way", ["declared", "joined"])
def test_nobody_hears_of_a_proposal_that_needs_no_decision(way: str, django_capture_on_commit_callbacks: Any) -> None:
    make_policy(action="declare" if way == "declared" else "propose")
    if way == "joined":
        make_incident(clusters=[make_cluster()])
    happens()
    with heard(signals.incident_proposed) as said, django_capture_on_commit_callbacks(execute=True):
        look(NOW + MINUTE)
    assert only().state == way
    assert not said
