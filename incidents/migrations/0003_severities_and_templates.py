"""What every installation starts with: four severities and two templates."""

from django.db import migrations

SEVERITIES = [
    # name, rank, description, needs post-mortem, due days, working days, follow-up days, reminder minutes
    ("SEV1", 1, "Most users cannot use a main function, or data is at risk", True, 3, False, 14, 30),
    ("SEV2", 2, "Many users are hindered, or a main function is degraded", True, 5, True, 30, 60),
    ("SEV3", 3, "Some users are hindered, a way around exists", False, 10, True, 60, 240),
    ("SEV4", 4, "Nobody outside notices", False, None, True, 90, 1440),
]

STANDARD = """## Summary

{summary}

## Impact

<!-- Who noticed what, for how long, in numbers. Each number with its evidence. -->
{impact}

## Timeline

{timeline}

## Detection

<!-- What told us, how long after the impact began, and what could have told us earlier. -->
{detection}

## Contributing factors

<!-- Several, equal in weight. What had to come together for this to happen? -->
{contributing}

## What went well

## What went badly

## Where we were lucky

## Follow-ups

{followups}

## External message

<!-- What people outside may read. -->

## What could not be collected

{not_collected}
"""

NARRATIVE = """## What this is about

{summary}

## How it unfolded

<!-- Tell it as the people in it saw it: what they knew at each moment, what they tried, why it made sense then. -->
{timeline}

## What made it hard

<!-- Which signals were missing or misleading, what had to be worked out by hand. -->
{detection}

## What made it possible

{contributing}

## How it ended, and what it cost

{impact}

## What we learned about our system

## What we will do

{followups}

## What could not be collected

{not_collected}
"""


def add(apps, schema_editor):
    severity = apps.get_model("incidents", "Severity")
    names = ["name", "rank", "description", "needs_postmortem", "postmortem_due_days", "due_in_working_days", "followup_sla_days", "reminder_minutes"]
    severity.objects.bulk_create(severity(**dict(zip(names, row, strict=True))) for row in SEVERITIES)
    template = apps.get_model("incidents", "PostMortemTemplate")
    template.objects.create(name="standard", body=STANDARD, is_default=True)
    template.objects.create(name="narrative", body=NARRATIVE)


def remove(apps, schema_editor):
    apps.get_model("incidents", "PostMortemTemplate").objects.filter(name__in=["standard", "narrative"]).delete()
    apps.get_model("incidents", "Severity").objects.filter(incidents=None).delete()


class Migration(migrations.Migration):
    dependencies = [("incidents", "0002_evidence_stays")]
    operations = [migrations.RunPython(add, remove)]
