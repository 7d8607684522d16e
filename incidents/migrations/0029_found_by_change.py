
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0028_merging'),
        ('telemetry', '0012_addresses_of_services'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='evidence',
            index=models.Index(fields=['observed_at', 'id'], name='evidence_by_observation'),
        ),
        migrations.AddIndex(
            model_name='timelineentry',
            index=models.Index(condition=models.Q(('source__in', ['note', 'chat'])), fields=['updated_at', 'id'], name='lines_of_people_by_change'),
        ),
    ]
