"""The shipped templates ask what changed before it got better, where nobody has changed their text."""

import importlib

from django.db import migrations

shipped = importlib.import_module("incidents.migrations.0003_severities_and_templates")
STANDARD = shipped.STANDARD.replace(
    "## Contributing factors\n",
    "## Recovery\n\n<!-- What was tried, what helped, and how we knew that it was over. -->\n{recovery}\n\n## Contributing factors\n",
)
NARRATIVE = shipped.NARRATIVE.replace("## How it ended, and what it cost\n\n", "## How it ended, and what it cost\n\n{recovery}\n\n")
TEXTS = {"standard": (shipped.STANDARD, STANDARD), "narrative": (shipped.NARRATIVE, NARRATIVE)}


def add(apps, schema_editor):
    rows = apps.get_model("incidents", "PostMortemTemplate").objects
    for name, (before, after) in TEXTS.items():
        rows.filter(name=name, body=before).update(body=after)


def remove(apps, schema_editor):
    rows = apps.get_model("incidents", "PostMortemTemplate").objects
    for name, (before, after) in TEXTS.items():
        rows.filter(name=name, body=after).update(body=before)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0020_retired_templates")]
    operations = [migrations.RunPython(add, remove)]
