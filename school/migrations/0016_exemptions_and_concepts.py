"""Create exemptions, given concepts, subjects of some grade levels, and retention by the council."""

import django.db.models.deletion
from django.db import migrations, models

from school.db import audit_triggers, consistency_triggers, triggers


def delete_given_concepts(apps, schema_editor):
    """Delete exams with a concept instead of a grade, which the former table cannot hold."""
    exams = apps.get_model("school", "RecoveryGrade").objects.using(schema_editor.connection.alias)
    exams.filter(tenths=None).delete()


def drop_new_triggers(apps, schema_editor):
    """Drop the triggers that read the columns which going back drops."""
    triggers.drop_triggers(apps, schema_editor)
    consistency_triggers.drop_triggers(apps, schema_editor)
    audit_triggers.drop_audit_triggers(apps, schema_editor)


class Migration(migrations.Migration):

    dependencies = [
        ('school', '0015_class_kind'),
    ]

    operations = [
        # SQLite rebuilds tables, and cannot while a trigger reads them.
        migrations.RunPython(triggers.drop_triggers, migrations.RunPython.noop),
        migrations.CreateModel(
            name='Exemption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('term', models.SmallIntegerField(blank=True, help_text='Term number; empty for all terms of the year.', null=True, verbose_name='term')),
                ('reason', models.CharField(max_length=250, verbose_name='reason')),
            ],
        ),
        migrations.AddField(
            model_name='enrolment',
            name='retained_by_council',
            field=models.BooleanField(db_default=False, default=False, help_text='The class council keeps a student who would otherwise go on.', verbose_name='retained by the class council'),
        ),
        migrations.AddField(
            model_name='grade',
            name='concept',
            field=models.CharField(blank=True, db_default='', default='', help_text='Only where the rules have given concepts: the label of one of them.', max_length=20, verbose_name='concept'),
        ),
        migrations.AddField(
            model_name='gradechange',
            name='new_concept',
            field=models.CharField(blank=True, db_default='', default='', max_length=20),
        ),
        migrations.AddField(
            model_name='gradechange',
            name='old_concept',
            field=models.CharField(blank=True, db_default='', default='', max_length=20),
        ),
        migrations.AddField(
            model_name='offering',
            name='counts_for_promotion',
            field=models.BooleanField(db_default=True, default=True, help_text='If not, its grades are shown but never decide a year.', verbose_name='counts for promotion'),
        ),
        migrations.AddField(
            model_name='offering',
            name='grade_levels',
            field=models.ManyToManyField(blank=True, help_text='Levels of a multi-grade class that have this subject; none means all of them.', related_name='offerings', to='school.gradelevel', verbose_name='grade levels'),
        ),
        migrations.AddField(
            model_name='offering',
            name='is_optional',
            field=models.BooleanField(db_default=False, default=False, help_text='A student without any grade in it, such as in religious education, has not taken it, and it counts for nothing.', verbose_name='optional'),
        ),
        migrations.AddField(
            model_name='recoverygrade',
            name='concept',
            field=models.CharField(blank=True, db_default='', default='', help_text='Only where the rules have given concepts: the label of one of them.', max_length=20, verbose_name='concept'),
        ),
        migrations.AlterField(
            model_name='recoverygrade',
            name='tenths',
            field=models.SmallIntegerField(blank=True, null=True, verbose_name='grade'),
        ),
        migrations.AddConstraint(
            model_name='enrolment',
            constraint=models.CheckConstraint(condition=models.Q(('approved_by_council', False), ('retained_by_council', False), _connector='OR'), name='council_decides_once', violation_error_message='The class council either approves or retains a student.'),
        ),
        migrations.AddConstraint(
            model_name='grade',
            constraint=models.CheckConstraint(condition=models.Q(('tenths', None), ('concept', ''), _connector='OR'), name='grade_or_concept', violation_error_message='Give a grade or a concept, not both.'),
        ),
        migrations.AddConstraint(
            model_name='recoverygrade',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('concept__gt', ''), ('tenths', None)), models.Q(('concept', ''), ('tenths__isnull', False)), _connector='OR'), name='recovery_grade_or_concept', violation_error_message='Give either a grade or a concept.'),
        ),
        migrations.AddField(
            model_name='exemption',
            name='enrolment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='exemptions', to='school.enrolment'),
        ),
        migrations.AddField(
            model_name='exemption',
            name='offering',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='exemptions', to='school.offering'),
        ),
        migrations.AddConstraint(
            model_name='exemption',
            constraint=models.UniqueConstraint(fields=('offering', 'enrolment', 'term'), name='exemption_once_an_offering_term'),
        ),
        migrations.AddConstraint(
            model_name='exemption',
            constraint=models.UniqueConstraint(condition=models.Q(('term', None)), fields=('offering', 'enrolment'), name='exemption_from_offering_once'),
        ),
        migrations.AddConstraint(
            model_name='exemption',
            constraint=models.CheckConstraint(condition=models.Q(('term__range', (1, 10))), name='exemption_term_1_to_10'),
        ),
        migrations.AddField(
            model_name='grade',
            name='recovery_tenths',
            field=models.SmallIntegerField(blank=True, help_text='Only where the rules have a recovery of each term.', null=True, verbose_name='recovery of the term'),
        ),
        migrations.AddField(
            model_name='gradechange',
            name='new_recovery_tenths',
            field=models.SmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='gradechange',
            name='old_recovery_tenths',
            field=models.SmallIntegerField(null=True),
        ),
        migrations.AddConstraint(
            model_name='grade',
            constraint=models.CheckConstraint(condition=models.Q(('recovery_tenths__range', (0, 100))), name='grade_recovery_0_to_10'),
        ),
        migrations.AddConstraint(
            model_name='grade',
            constraint=models.CheckConstraint(condition=models.Q(('recovery_tenths', None), ('tenths__isnull', False), _connector='OR'), name='grade_recovery_of_a_grade', violation_error_message='A recovery of the term needs the grade of the term.'),
        ),
        # Going back begins here.
        migrations.RunPython(migrations.RunPython.noop, delete_given_concepts),
        migrations.RunPython(migrations.RunPython.noop, drop_new_triggers),
    ]
