

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0004_signals_of_states'),
    ]

    operations = [
        migrations.AddField(
            model_name='recording',
            name='cluster_uid',
            field=models.CharField(blank=True, help_text='Whose version it is.', max_length=64),
        ),
    ]
