from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0012_addresses_of_services'),
    ]

    operations = [
        # The same expression as telemetry.browsing.WORDS: only then is the index used.
        migrations.RunSQL(
            "CREATE INDEX events_by_words ON telemetry_clusterevent "
            "USING gin (to_tsvector('simple', reason || ' ' || about_name || ' ' || message))",
            "DROP INDEX events_by_words",
        ),
    ]
