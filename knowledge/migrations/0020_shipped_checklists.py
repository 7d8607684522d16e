"""The shipped checklists with checks and groups, and those that were missing. What people changed stays as it is."""

from django.db import migrations
from django.utils import timezone

from knowledge.migrations._shipped import CHECKLISTS, EARLIER


def add(apps, schema_editor):
    checklist = apps.get_model("knowledge", "Checklist")
    for shipped, (name, kind, description, items) in CHECKLISTS.items():
        row = checklist.objects.filter(name=name).first()
        if row is None:
            row = checklist.objects.create(name=name, kind=kind, description=description, shipped=shipped)
            _write(apps, row, items, timezone.now())
            _keep(apps, row, items)
        elif _is_untouched(row, name):
            _keep(apps, row, [("", text, why, "", {}) for text, why in EARLIER[name]])
            row.kind, row.description, row.shipped = kind, description, shipped
            row.version += 1
            row.save()
            _write(apps, row, items, timezone.now())
            _keep(apps, row, items)


def _is_untouched(row, name):
    """Whether its items are still those that an earlier release brought."""
    found = [(item.text, item.why) for item in row.items.filter(removed_at=None).order_by("position")]
    return row.version == 1 and found == EARLIER.get(name)


def _write(apps, row, items, now):
    """An item keeps its identity while its text stays; the others stay for the runs that ticked them."""
    item = apps.get_model("knowledge", "ChecklistItem")
    known = {one.text: one for one in row.items.all()}
    kept = set()
    for place, (group, text, why, check, params) in enumerate(items):
        one = known.get(text) or item(checklist=row, text=text)
        one.position, one.why, one.group, one.check_name, one.params = place, why, group, check, params
        one.removed_at = None
        one.save()
        kept.add(one.pk)
    row.items.filter(removed_at=None).exclude(pk__in=kept).update(removed_at=now)


def _keep(apps, row, items):
    names = ("group", "text", "why", "check", "params")
    apps.get_model("knowledge", "ChecklistVersion").objects.get_or_create(
        checklist=row,
        number=row.version,
        defaults={
            "name": row.name,
            "kind": row.kind,
            "description": row.description,
            "items": [dict(zip(names, one, strict=True)) for one in items],
            "note": "As Debrief brings it",
            "saved_at": timezone.now(),
        },
    )


def remove(apps, schema_editor):
    """Back to the items of the earlier release, unless people changed the checklist since; new ones go if nobody ran them."""
    for row in apps.get_model("knowledge", "Checklist").objects.exclude(shipped=""):
        items = CHECKLISTS[row.shipped][3] if row.shipped in CHECKLISTS else []
        found = [item.text for item in row.items.filter(removed_at=None).order_by("position")]
        if found != [text for _, text, _, _, _ in items]:
            continue
        if row.name not in EARLIER:
            if not row.runs.exists() and not row.drills.exists():
                row.delete()
            continue
        row.versions.filter(number__gte=row.version - 1).delete()
        row.version, row.shipped = max(1, row.version - 1), ""
        row.save()
        _write(apps, row, [("", text, why, "", {}) for text, why in EARLIER[row.name]], timezone.now())


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0003_knowledge_that_comes_back")]
    operations = [migrations.RunPython(add, remove)]
