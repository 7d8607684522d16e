from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0009_versions_read_back")]

    operations = [
        migrations.AddField(
            model_name="postmortemtemplate",
            name="retired_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Taken away while post-mortems still name it: kept for them, offered no more.",
                null=True,
            ),
        ),
    ]
