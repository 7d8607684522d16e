from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0022_talking_in_chat")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="surprises",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
