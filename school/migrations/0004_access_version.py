"""Rename the user's `stamp` to `access_version`."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("school", "0003_crests")]

    operations = [migrations.RenameField("user", "stamp", "access_version")]
