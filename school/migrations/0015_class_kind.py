"""Create the kind of a class: regular, specialised support (AEE) or complementary."""

from django.db import migrations, models

from school.db.audit_triggers import drop_audit_triggers
from school.db.triggers import drop_triggers


class Migration(migrations.Migration):

    dependencies = [
        ('school', '0014_grade_history_and_closed_years'),
    ]

    operations = [
        # SQLite rebuilds the table, and cannot while a trigger reads it.
        migrations.RunPython(drop_triggers, migrations.RunPython.noop),
        migrations.AddField(
            model_name='schoolclass',
            name='kind',
            field=models.CharField(choices=[('regular', 'Regular'), ('aee', 'Specialised support (AEE)'), ('complementary', 'Complementary activity')], db_default='regular', default='regular', help_text='Only a regular class counts in the results of its students. Specialised support (AEE) and complementary activities are attended beside it.', max_length=13, verbose_name='kind'),
        ),
        migrations.AddConstraint(
            model_name='schoolclass',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['regular', 'aee', 'complementary'])), name='class_kind_is_known'),
        ),
        # Whoever goes back begins here.
        migrations.RunPython(migrations.RunPython.noop, drop_triggers),
        migrations.RunPython(migrations.RunPython.noop, drop_audit_triggers),
    ]
