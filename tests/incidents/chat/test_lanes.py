"""How often a row of a lane is tried: what was foreseen for a day, what was not a few times."""

from __future__ import annotations

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from incidents.chat import lanes, outbox
from incidents.chat.lanes import Later
from incidents.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)


def waiting() -> Delivery:
    outbox.enqueue(service="slack", kind="message", lane="channel", now=timezone.now())
    return Delivery.objects.get()


def tried(*problems: Exception) -> Delivery:
    """After one try each that ended so."""
    for problem in problems:

        def handle(row: Delivery, problem: Exception = problem) -> None:
            raise problem

        Delivery.objects.update(due_at=timezone.now())
        lanes._attempt(Delivery.objects.get(), handle)
    return Delivery.objects.get()


def test_failures_that_were_foreseen_do_not_count_as_surprises() -> None:
    waiting()
    row = tried(*[Later("Slack is away.")] * 10, ValueError("once"))
    assert (row.attempts, row.surprises, row.state) == (11, 1, "working")


def test_five_surprises_are_enough() -> None:
    waiting()
    row = tried(*[ValueError("again")] * 5)
    assert (row.surprises, row.state) == (5, "failed")
    assert "ValueError" in row.problem


def test_what_took_too_long_is_tried_again() -> None:
    waiting()
    row = tried(*[SoftTimeLimitExceeded()] * 8)
    assert (row.surprises, row.state) == (0, "working")
    assert "longer" in row.problem


def test_one_that_is_tried_again_by_a_person_begins_anew() -> None:
    waiting()
    outbox.try_again(tried(*[ValueError("again")] * 5), timezone.now())
    row = Delivery.objects.get()
    assert (row.surprises, row.state) == (0, "waiting")
