
import django.db.models.deletion
from django.db import migrations, models


def compare_all(apps, schema_editor):
    """Those that are here already are compared too, in the order in which they happened."""
    request = apps.get_model("knowledge", "MatchRequest")
    times = apps.get_model("incidents", "Incident").objects.order_by("declared_at").values_list("pk", "declared_at")
    request.objects.bulk_create((request(incident_id=pk, wanted_at=at) for pk, at in times.iterator()), batch_size=500)


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0028_merging'),
        ('knowledge', '0020_shipped_checklists'),
    ]

    operations = [
        migrations.AddField(
            model_name='match',
            name='updated_at',
            field=models.DateTimeField(auto_now=True),
        ),
        migrations.CreateModel(
            name='MatchRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('wanted_at', models.DateTimeField()),
                ('done_at', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('incident', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='match_request', to='incidents.incident')),
            ],
            options={
                'indexes': [models.Index(fields=['wanted_at'], name='match_requests')],
            },
        ),
        migrations.AlterField(
            model_name='trait',
            name='kind',
            field=models.CharField(choices=[('signal', 'Signal of a workload'), ('reason', 'Reason of an Event'), ('alert', 'Alert'), ('fingerprint', 'The same alert'), ('node', 'Failing node'), ('image', 'Image'), ('log', 'Log pattern'), ('rollout', 'Rollout just before'), ('workload', 'Workload'), ('service', 'Service'), ('label', 'Label'), ('term', 'Word of a log'), ('word', 'Word')], max_length=12),
        ),
        migrations.RunPython(compare_all, migrations.RunPython.noop),
    ]
