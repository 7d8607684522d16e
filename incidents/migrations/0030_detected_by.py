
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0029_found_by_change'),
    ]

    operations = [
        migrations.AddField(
            model_name='incident',
            name='detected_by',
            field=models.CharField(blank=True, choices=[('', 'Not said'), ('alert', 'An alert'), ('customer', 'A customer'), ('person', 'Somebody of ours')], default='', help_text='What told us first.', max_length=8),
        ),
    ]
