from django.conf import settings
from django.db import migrations, models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast


def copy_sizes(apps, schema_editor):
    """Copy the size of each result to its column; results expired by retention so far."""
    tasks = apps.get_model("tasks", "Task").objects.using(schema_editor.connection.alias)
    size = KeyTextTransform("bytes", "result")
    tasks.filter(state="succeeded").update(artifact_bytes=Cast(size, models.BigIntegerField()))
    tasks.filter(state="expired").update(expiry_reason="retention")


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0006_plain_names"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("task", "artifact_bytes", models.BigIntegerField(default=0)),
        migrations.AddField(
            "task", "expiry_reason", models.CharField(blank=True, max_length=13)
        ),
        migrations.AddIndex(
            "task",
            models.Index(
                fields=["requester", "artifact_bytes"],
                condition=models.Q(state="succeeded"),
                name="task_stored_bytes",
            ),
        ),
        migrations.RunPython(copy_sizes, migrations.RunPython.noop, elidable=True),
    ]
