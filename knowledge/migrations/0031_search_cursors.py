
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('knowledge', '0030_match_requests'),
    ]

    operations = [
        migrations.CreateModel(
            name='SearchCursor',
            fields=[
                ('kind', models.CharField(choices=[('incident', 'Incidents'), ('postmortem', 'Post-mortems'), ('lesson', 'Lessons'), ('checklist', 'Checklists'), ('timeline', 'Timeline'), ('evidence', 'Evidence'), ('followup', 'Follow-ups')], max_length=10, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('ref', models.PositiveBigIntegerField(default=0)),
            ],
        ),
    ]
