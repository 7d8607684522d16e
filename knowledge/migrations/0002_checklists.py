"""The checklists that every installation starts with."""

from django.db import migrations

CHECKLISTS = {
    ("Roll back a release", "response", "When the symptom began with a rollout."): [
        ("Say in the channel that you roll back, and to which revision", ""),
        ("Check that the revision you go back to was healthy", "A roll-back to something broken looks like help."),
        ("Stop the pipeline, so that it does not roll forward again", ""),
        ("Roll back and watch the rollout to its end", ""),
        ("New pods are Ready for 5 minutes", ""),
        ("The metric that told of the impact is back at its baseline", ""),
        ("Write down what was rolled back, and set the milestone Mitigated", ""),
    ],
    ("First ten minutes", "response", "For whoever takes command."): [
        ("Take the role of commander, and say so", ""),
        ("Set the severity by what users notice, not by the cause", ""),
        ("Set when the impact started", "Every duration is counted from it."),
        ("Look at what changed in the hour before", ""),
        ("Name who speaks with those outside", ""),
        ("Say when the next update comes", ""),
    ],
    ("After the incident", "review", "Before the post-mortem is published."): [
        ("The impact is a number with evidence", ""),
        ("More than one contributing factor was considered", "There is never one root cause."),
        ("Detection is explained: what told us, and what could have told us earlier", ""),
        ("Every follow-up has an owner and a date", ""),
        ("Nobody's name stands where a condition should", ""),
    ],
    ("Backup and restore", "recovery", "For a service that holds data."): [
        ("The newest usable backup is younger than the RPO", "PartiallyFailed is not usable."),
        ("Backups are stored outside the cluster and its zone", ""),
        ("A restore was tried within the last 90 days, and timed", "The measured time is the RTO you have."),
        ("Whoever is on call can start a restore alone", ""),
    ],
    ("Production readiness", "readiness", "Before a service takes traffic."): [
        ("At least two replicas, on different nodes and zones", ""),
        ("A PodDisruptionBudget that lets one pod go", ""),
        ("Readiness asks for dependencies, liveness only for the process", ""),
        ("Requests and limits are set from measurement", ""),
        ("Metrics, logs and traces of the service arrive", ""),
        ("An alert fires on what users notice", ""),
    ],
}


def add(apps, schema_editor):
    checklist, item = apps.get_model("knowledge", "Checklist"), apps.get_model("knowledge", "ChecklistItem")
    for (name, kind, description), items in CHECKLISTS.items():
        row = checklist.objects.create(name=name, kind=kind, description=description)
        item.objects.bulk_create(
            item(checklist=row, position=place, text=text, why=why) for place, (text, why) in enumerate(items)
        )


def remove(apps, schema_editor):
    names = [name for name, _, _ in CHECKLISTS]
    apps.get_model("knowledge", "Checklist").objects.filter(name__in=names, runs=None).delete()


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0001_initial")]
    operations = [migrations.RunPython(add, remove)]
