"""Rule profiles in place of a pass mark, and what transcripts and results need beside it.

No year loses its pass mark: it becomes a profile, by which the year goes from then on.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

from school.db import triggers
from school.collation import sort_key

PROTECT = django.db.models.deletion.PROTECT
CASCADE = django.db.models.deletion.CASCADE
BATCH = 500
TERM_KINDS = {2: "semester", 3: "trimester", 4: "bimester"}


def fill_sort_keys(apps, schema_editor):
    for name in ("School", "SchoolClass", "Subject"):
        model = apps.get_model("school", name)
        records = list(model.objects.order_by().only("pk", "name"))
        for record in records:
            record.sort_key = sort_key(record.name)
        model.objects.bulk_update(records, ["sort_key"], batch_size=BATCH)


def let_pass_marks_become_rules(apps, schema_editor):
    """One profile for all years of a network with the same pass mark and terms."""
    RuleProfile = apps.get_model("school", "RuleProfile")
    RuleVersion = apps.get_model("school", "RuleVersion")
    YearRules = apps.get_model("school", "YearRules")
    for year in apps.get_model("school", "SchoolYear").objects.order_by("pk"):
        terms = year.terms.count() or 4
        mark = f"{year.pass_tenths // 10}.{year.pass_tenths % 10}"
        profile, _ = RuleProfile.objects.get_or_create(
            network_id=year.network_id,
            code=f"nota-{mark.replace('.', '-')}-{terms}-periodos",
            defaults={
                "name": f"Nota mínima {mark.replace('.', ',')}, {terms} períodos",
                "source": "A nota mínima do ano letivo, de antes dos perfis de regras",
            },
        )
        version, _ = RuleVersion.objects.get_or_create(
            profile=profile, number=1, defaults={"content": rules(mark, terms)}
        )
        YearRules.objects.create(school_year=year, grade_level=None, version=version)


def rules(mark, terms):
    """What a year was judged by until now, as `school.grading.rules.Rules` reads it."""
    return {
        "terms": terms,
        "term_kind": TERM_KINDS.get(terms, "term"),
        "mean_rule": "arithmetic",
        "pass_mark": mark,
        "rounding": "none",
        "recovery_rule": "none",
        "minimum_attendance": "75",
        "attendance_base": "given",
    }


def let_rules_become_pass_marks(apps, schema_editor):
    """Back to one mark a year: that of its levels without rules of their own."""
    YearRules = apps.get_model("school", "YearRules")
    for year in apps.get_model("school", "SchoolYear").objects.all():
        held = YearRules.objects.filter(school_year=year).select_related("version")
        chosen = held.order_by(F("grade_level").asc(nulls_first=True)).first()
        if chosen is not None:
            whole, _, tenths = chosen.version.content["pass_mark"].partition(".")
            year.pass_tenths = int(whole) * 10 + int(tenths or 0)
            year.save(update_fields=["pass_tenths"])


def sort_students_by_their_names(apps, schema_editor):
    """Back to the only name there was, for those who sort by a social one."""
    model = apps.get_model("school", "Student")
    for student in model.objects.exclude(social_name="").only("pk", "name").iterator():
        model.objects.filter(pk=student.pk).update(sort_key=sort_key(student.name))


def named(*fields):
    return [("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")), *fields]


def to(model, **options):
    return models.ForeignKey(to=f"school.{model}", **{"on_delete": PROTECT, **options})


def text(length):
    return models.CharField(blank=True, max_length=length)


def key():
    return models.BinaryField(default=b"", editable=False, max_length=400)


RULES = [
    migrations.CreateModel(
        name="RuleProfile",
        fields=named(
            ("network", to("network", db_index=False, related_name="rule_profiles")),
            ("code", models.SlugField()),
            ("name", models.CharField(max_length=120)),
            ("source", text(250)),
        ),
        options={
            "ordering": ["network", "code"],
            "constraints": [
                models.UniqueConstraint(fields=["network", "code"], name="rule_profile_once_a_network"),
            ],
        },
    ),
    migrations.CreateModel(
        name="RuleVersion",
        fields=named(
            ("profile", to("ruleprofile", db_index=False, related_name="versions")),
            ("number", models.SmallIntegerField()),
            ("content", models.JSONField()),
            ("created_at", models.DateTimeField(auto_now_add=True)),
        ),
        options={
            "ordering": ["profile", "-number"],
            "constraints": [
                models.UniqueConstraint(fields=["profile", "number"], name="rule_version_once_a_profile"),
            ],
        },
    ),
    migrations.CreateModel(
        name="YearRules",
        fields=named(
            ("school_year", to("schoolyear", db_index=False, on_delete=CASCADE, related_name="rules")),
            ("grade_level", to("gradelevel", blank=True, null=True, related_name="+")),
            ("version", to("ruleversion", related_name="years")),
        ),
        options={
            "verbose_name_plural": "year rules",
            "ordering": ["school_year", "grade_level"],
            "constraints": [
                models.UniqueConstraint(fields=["school_year", "grade_level"], name="year_rules_once_a_level"),
                models.UniqueConstraint(condition=Q(grade_level=None), fields=["school_year"], name="year_rules_for_other_levels_once"),
            ],
        },
    ),
]

YEARS = [
    migrations.AddField("schoolyear", "is_closed", models.BooleanField(default=False)),
    migrations.AddField("schoolyear", "period", text(12)),
    migrations.AlterModelOptions("schoolyear", {"ordering": ["-year", "period"]}),
    migrations.RemoveConstraint("schoolyear", "school_year_once_a_network"),
    migrations.AddConstraint(
        "schoolyear", models.UniqueConstraint(fields=["network", "year", "period"], name="school_year_once_a_network"),
    ),
]

NAMES = [
    migrations.AddField("school", "sort_key", key()),
    migrations.AddField("schoolclass", "sort_key", key()),
    migrations.AddField("subject", "sort_key", key()),
    migrations.AlterField("student", "sort_key", key()),
    migrations.AlterModelOptions("school", {"ordering": ["sort_key"]}),
    migrations.AlterModelOptions(
        "schoolclass", {"ordering": ["school", "school_year", "sort_key"], "verbose_name_plural": "school classes"},
    ),
    migrations.AlterModelOptions("subject", {"ordering": ["order", "sort_key"]}),
]

PAPERS = [
    migrations.AddField("school", "address", text(200)),
    migrations.AddField("school", "city", text(80)),
    migrations.AddField("school", "state", text(2)),
    migrations.AddField("school", "authorisation", text(200)),
    migrations.AddField("student", "social_name", text(120)),
    migrations.RunPython(migrations.RunPython.noop, sort_students_by_their_names),
    migrations.AddField("student", "birth_place", text(100)),
    migrations.AddField("student", "nationality", text(40)),
    migrations.AddField("student", "parents", text(250)),
    migrations.AddField("student", "inep_code", text(12)),
    migrations.AddField("student", "identity_document", text(40)),
    migrations.AddField("student", "birth_certificate", text(60)),
    migrations.AddField("offering", "hours", models.SmallIntegerField(blank=True, null=True)),
    migrations.CreateModel(
        name="PriorYear",
        fields=named(
            ("student", to("student", on_delete=CASCADE, related_name="prior_years")),
            ("year", models.SmallIntegerField()),
            ("grade_level", models.CharField(max_length=60)),
            ("school", models.CharField(max_length=120)),
            ("city", text(80)),
            ("state", text(2)),
            ("result", models.CharField(max_length=60)),
            ("days", models.SmallIntegerField(blank=True, null=True)),
            ("attendance", text(10)),
        ),
        options={"ordering": ["student", "year", "pk"]},
    ),
    migrations.CreateModel(
        name="PriorSubject",
        fields=named(
            ("prior_year", to("prioryear", db_index=False, on_delete=CASCADE, related_name="subjects")),
            ("subject", models.CharField(max_length=80)),
            ("grade", text(10)),
            ("hours", models.SmallIntegerField(blank=True, null=True)),
        ),
        options={
            "ordering": ["prior_year", "pk"],
            "constraints": [
                models.UniqueConstraint(fields=["prior_year", "subject"], name="prior_subject_once_a_year"),
            ],
        },
    ),
]

ENDINGS = [
    migrations.AddField("enrolment", "approved_by_council", models.BooleanField(default=False)),
    migrations.AddField(
        "enrolment", "ending",
        models.CharField(
            blank=True, max_length=12,
            choices=[
                ("class_change", "Class Change"), ("transferred", "Transferred"), ("abandoned", "Abandoned"),
                ("reclassified", "Reclassified"), ("deceased", "Deceased"),
            ],
        ),
    ),
    migrations.AddConstraint(
        "enrolment", models.CheckConstraint(condition=Q(ending="") | Q(exit_date__isnull=False), name="enrolment_ending_with_exit"),
    ),
    migrations.AddConstraint(
        "enrolment",
        models.CheckConstraint(
            condition=Q(ending__in=["", "class_change", "transferred", "abandoned", "reclassified", "deceased"]),
            name="enrolment_ending_is_known",
        ),
    ),
    migrations.CreateModel(
        name="RecoveryGrade",
        fields=named(
            ("enrolment", to("enrolment", related_name="recovery_grades")),
            ("offering", to("offering", db_index=False, related_name="recovery_grades")),
            ("tenths", models.SmallIntegerField()),
        ),
        options={
            "constraints": [
                models.UniqueConstraint(fields=["offering", "enrolment"], name="recovery_once_an_offering"),
                models.CheckConstraint(condition=Q(tenths__range=(0, 100)), name="recovery_0_to_10"),
            ],
        },
    ),
]

PASS_MARKS = [
    migrations.RunPython(let_pass_marks_become_rules, let_rules_become_pass_marks),
    migrations.RemoveConstraint("schoolyear", "school_year_pass_mark_0_to_10"),
    migrations.RemoveField("schoolyear", "pass_tenths"),
]


class Migration(migrations.Migration):
    dependencies = [("school", "0001_initial")]

    operations = [
        migrations.RunPython(triggers.drop_triggers, migrations.RunPython.noop),
        *RULES,
        *YEARS,
        *NAMES,
        migrations.RunPython(fill_sort_keys, migrations.RunPython.noop),
        *PAPERS,
        *ENDINGS,
        *PASS_MARKS,
        # Whoever goes back begins here.
        migrations.RunPython(migrations.RunPython.noop, triggers.drop_triggers),
    ]
