"""Create the code of a class, and the key of its grade levels, which makes its name unique.

Class names become unique per school, year, shift and levels; until now they were unique per
school and year. Rows that break the new rules of `school.consistency` stay as they are; they
are named once everything is migrated, and by `manage.py check_records`.
"""

from django.db import migrations, models

from school.db import consistency_triggers, level_key_triggers, triggers


class Migration(migrations.Migration):

    dependencies = [
        ('school', '0012_name_keys'),
    ]

    operations = [
        # SQLite rebuilds the table, and cannot while a trigger reads it.
        migrations.RunPython(triggers.drop_triggers, migrations.RunPython.noop),
        migrations.RemoveConstraint(
            model_name='schoolclass',
            name='class_name_once_a_school_year',
        ),
        migrations.AddField(
            model_name='schoolclass',
            name='code',
            field=models.CharField(blank=True, db_default='', default='', help_text="The network's own code of the class, if it has one.", max_length=40, verbose_name='code'),
        ),
        migrations.AddField(
            model_name='schoolclass',
            name='levels_key',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=200),
        ),
        migrations.AlterField(
            model_name='grade',
            name='tenths',
            field=models.SmallIntegerField(blank=True, null=True, verbose_name='grade'),
        ),
        migrations.AlterField(
            model_name='recoverygrade',
            name='tenths',
            field=models.SmallIntegerField(verbose_name='grade'),
        ),
        migrations.AddIndex(
            model_name='schoolclass',
            index=models.Index(fields=['school', 'school_year'], name='class_school_year'),
        ),
        migrations.AddConstraint(
            model_name='schoolclass',
            constraint=models.UniqueConstraint(condition=models.Q(('code', ''), _negated=True), fields=('school', 'school_year', 'code'), name='class_code_once_a_school_year'),
        ),
        migrations.AddConstraint(
            model_name='schoolclass',
            constraint=models.UniqueConstraint(condition=models.Q(('levels_key', ''), _negated=True), fields=('school', 'school_year', 'shift', 'name', 'levels_key'), name='class_name_once_for_levels'),
        ),
        migrations.RunPython(level_key_triggers.fill_keys, migrations.RunPython.noop),
        # Whoever goes back begins here.
        migrations.RunPython(migrations.RunPython.noop, triggers.drop_triggers),
        migrations.RunPython(migrations.RunPython.noop, consistency_triggers.drop_triggers),
        migrations.RunPython(migrations.RunPython.noop, level_key_triggers.drop_triggers),
    ]
