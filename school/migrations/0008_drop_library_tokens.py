"""Delete the token tables of the JWT library, which hold whole refresh tokens.

The refresh tokens of earlier releases end with them.
"""

from django.db import migrations
from django.db.migrations.recorder import MigrationRecorder

APP_LABEL = "token_blacklist"


def delete_traces(apps, schema_editor):
    """Delete the app's permissions, content types and record of migrations."""
    connection = schema_editor.connection
    content_types = apps.get_model("contenttypes", "ContentType").objects
    content_types.using(connection.alias).filter(app_label=APP_LABEL).delete()
    MigrationRecorder(connection).migration_qs.filter(app=APP_LABEL).delete()


class Migration(migrations.Migration):
    # Rows of these apps refer to content types.
    dependencies = [
        ("school", "0007_sessions"),
        ("admin", "0001_initial"),
        ("auth", "0001_initial"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunSQL(
            [
                "DROP TABLE IF EXISTS token_blacklist_blacklistedtoken",
                "DROP TABLE IF EXISTS token_blacklist_outstandingtoken",
            ],
            migrations.RunSQL.noop,
        ),
        migrations.RunPython(delete_traces, migrations.RunPython.noop),
    ]
