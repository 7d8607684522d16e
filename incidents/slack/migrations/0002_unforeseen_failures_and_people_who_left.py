from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("slack", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="slackrequest",
            name="surprises",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="slackperson",
            name="is_gone",
            field=models.BooleanField(default=False, help_text="Slack says that the account was deactivated."),
        ),
    ]
