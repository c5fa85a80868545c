"""Add keys for the search of names, and write the keys of all names anew."""

from django.db import migrations, models

from school.collation import sort_key
from school.db.triggers import drop_triggers

BATCH = 1000


def _civil_name_key(student):
    return sort_key(student.name) if student.social_name else b""


def _full_name(user):
    return f"{user.first_name} {user.last_name}".strip()




KEYS = {
    "GradeLevel": {"sort_key": lambda level: sort_key(level.name)},
    "Network": {"sort_key": lambda network: sort_key(network.name)},
    "RuleProfile": {"sort_key": lambda profile: sort_key(profile.name)},
    "School": {"sort_key": lambda school: sort_key(school.name)},
    "SchoolClass": {"sort_key": lambda school_class: sort_key(school_class.name)},
    "Subject": {"sort_key": lambda subject: sort_key(subject.name)},
    "Student": {
        "sort_key": lambda student: sort_key(student.social_name or student.name),
        "civil_name_key": _civil_name_key,
    },
    "User": {"sort_key": lambda user: sort_key(_full_name(user))},
}
"""Keys of each model's records, by field."""


def write_keys(apps, schema_editor):
    """Write the keys that differ from the stored ones, batch by batch."""
    for model_name, keys in KEYS.items():
        records = apps.get_model("school", model_name)._base_manager.order_by("pk")
        last = 0
        while batch := list(records.filter(pk__gt=last)[:BATCH]):
            last = batch[-1].pk
            changed = [record for record in batch if _set_keys(record, keys)]
            records.bulk_update(changed, list(keys))


def _set_keys(record, keys):
    """Set the record's keys; return True if one has changed."""
    stored = {name: bytes(getattr(record, name)) for name in keys}
    new = {name: key(record) for name, key in keys.items()}
    for name, value in new.items():
        setattr(record, name, value)
    return new != stored


def _key_field():
    return models.BinaryField(default=b"", editable=False, max_length=400)


class Migration(migrations.Migration):

    dependencies = [("school", "0011_time_zones")]

    operations = [
        migrations.RunPython(drop_triggers, drop_triggers),
        migrations.AddField("gradelevel", "sort_key", _key_field()),
        migrations.AddField("network", "sort_key", _key_field()),
        migrations.AddField("ruleprofile", "sort_key", _key_field()),
        migrations.AddField("user", "sort_key", _key_field()),
        migrations.AddField("student", "civil_name_key", _key_field()),
        # Backwards nothing is done: earlier releases sort and search by these keys too.
        migrations.RunPython(write_keys, migrations.RunPython.noop),
    ]
