from django.db import migrations, models
from django.db.models import F
from django.db.models.functions import Coalesce, Now


def set_updated_at(apps, schema_editor):
    tasks = apps.get_model("tasks", "Task").objects.using(schema_editor.connection.alias)
    tasks.update(updated_at=Coalesce(F("finished_at"), F("started_at"), F("created_at")))


class Migration(migrations.Migration):
    dependencies = [("tasks", "0008_names_and_labels")]

    operations = [
        migrations.AddField(
            model_name="task",
            name="updated_at",
            field=models.DateTimeField(db_default=Now()),
        ),
        migrations.AddField(
            model_name="task",
            name="progress_unit",
            field=models.CharField(db_default="rows", default="rows", max_length=20),
        ),
        migrations.RunPython(set_updated_at, migrations.RunPython.noop),
    ]
