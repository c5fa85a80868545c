"""Rename the rule `hopeless_fails` to `fail_if_unrecoverable` in all stored rule versions."""

from django.db import migrations

from school.db.triggers import drop_triggers

OLD, NEW = "hopeless_fails", "fail_if_unrecoverable"


def allow_changes_of_versions(apps, schema_editor):
    """Drop the trigger that forbids changes to rule versions; `post_migrate` reinstalls it."""
    drop_triggers(apps, schema_editor)
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "DROP TRIGGER IF EXISTS school_ruleversion_stays ON school_ruleversion"
        )


def rename_key(apps, old, new):
    RuleVersion = apps.get_model("school", "RuleVersion")
    for version in RuleVersion.objects.order_by("pk"):
        if old in version.content:
            content = {new if k == old else k: v for k, v in version.content.items()}
            RuleVersion.objects.filter(pk=version.pk).update(content=content)


def forwards(apps, schema_editor):
    allow_changes_of_versions(apps, schema_editor)
    rename_key(apps, OLD, NEW)


def backwards(apps, schema_editor):
    allow_changes_of_versions(apps, schema_editor)
    rename_key(apps, NEW, OLD)


class Migration(migrations.Migration):

    dependencies = [("school", "0004_access_version")]

    operations = [migrations.RunPython(forwards, backwards)]
