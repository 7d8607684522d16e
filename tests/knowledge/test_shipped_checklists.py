"""The checklists that Debrief brings: what they hold, and what an upgrade leaves alone."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps

from knowledge.actions.checklist import save_checklist
from knowledge.checks import CHECKS
from knowledge.models import Checklist
from tests.builders import NOW, make_person

pytestmark = pytest.mark.django_db
migration = importlib.import_module("knowledge.migrations.0020_shipped_checklists")


def test_every_shipped_item_has_a_check_that_exists_with_parameters_that_are_whole() -> None:
    rows = Checklist.objects.exclude(shipped="")
    assert set(rows.values_list("name", flat=True)) >= {
        *("High availability", "Disaster recovery", "Backup and restore", "Observability"),
        *("First ten minutes", "After the incident", "Production readiness", "Roll back a release"),
    }
    for row in rows:
        for item in row.items.filter(removed_at=None).exclude(check_name=""):
            assert CHECKS[item.check_name].clean(item.params) == item.params
        newest = row.versions.first()
        assert newest is not None
        assert (newest.number, [i["text"] for i in newest.items]) == (row.version, [i["text"] for i in row.items_now()])


def test_going_back_brings_the_earlier_items_and_leaves_what_people_changed() -> None:
    changed = Checklist.objects.get(name="Observability")
    save_checklist(checklist=changed, by=make_person("ada"), now=NOW, name=changed.name, items=[{"text": "Ours"}])
    migration.remove(apps, None)
    assert not Checklist.objects.filter(name="High availability").exists()
    assert Checklist.objects.get(name="Observability").items_now()[0]["text"] == "Ours"
    earlier = Checklist.objects.get(name="Backup and restore")
    assert (earlier.version, earlier.shipped, len(earlier.items_now())) == (1, "", 4)
    save_checklist(checklist=earlier, by=make_person("ada"), now=NOW, name=earlier.name, items=[{"text": "Ours too"}])
    migration.add(apps, None)
    assert [one["text"] for one in Checklist.objects.get(name="Backup and restore").items_now()] == ["Ours too"]
    assert Checklist.objects.get(name="High availability").shipped == "high-availability"
