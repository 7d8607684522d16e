"""INC-n under concurrency: unique and without gaps, though some declarations are rolled back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from django.db import connection, transaction

from incidents.models import Incident, Severity
from tests.builders import NOW, make_incident, make_person


class ChangedMindError(Exception):
    """Raised after declaring, inside the transaction."""


def test_twenty_declarations_at_once_of_which_some_roll_back_leave_no_gap(committed: None) -> None:
    ada, severity = make_person("ada"), Severity.objects.get(name="SEV3")
    assert severity.pk

    def declare(place: int) -> int | None:
        try:
            with transaction.atomic():
                incident = make_incident(title=f"Number {place}", by=ada, severity="SEV3", now=NOW)
                if place % 4 == 3:
                    raise ChangedMindError
                return incident.number
        except ChangedMindError:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as threads:
        numbers = [number for number in threads.map(declare, range(20)) if number is not None]
    assert sorted(numbers) == list(range(1, 16))
    assert sorted(Incident.objects.values_list("number", flat=True)) == list(range(1, 16))
    assert make_incident(by=ada).number == 16
