import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from school import models as m
from school.collation import sort_key
from school.grading.rules import Rules

OLD_MIGRATION = ("school", "0001_initial")
ORM_MIGRATION = pytest.mark.deep_on_postgresql(
    "the ORM changes its rows; tests that migrate forward and both ways run there"
)


def migrate_to(target):
    """Migrate to the target and return the apps registry of its state."""
    call_command("migrate", *target, verbosity=0)
    return MigrationExecutor(connection).loader.project_state([target]).apps


def migrate_to_latest():
    call_command("migrate", verbosity=0)


@pytest.fixture
def old_models(transactional_db):
    """Models before the rules migration, in a database that holds the demo network."""
    call_command("flush", "--no-input", verbosity=0)
    call_command("demo", "--force", "--students", "60", verbosity=0)
    yield migrate_to(OLD_MIGRATION)
    migrate_to_latest()


def create_year(apps, year, pass_tenths, terms, network=1):
    model = apps.get_model("school", "SchoolYear")
    school_year = model.objects.create(
        network_id=network, year=year, pass_tenths=pass_tenths,
        starts_on=f"{year}-02-01", ends_on=f"{year}-12-20",
    )  # fmt: skip
    for number in range(1, terms + 1):
        school_year.terms.create(
            number=number, starts_on=f"{year}-02-01", ends_on=f"{year}-03-01"
        )
    return school_year.pk


@pytest.mark.guarantee("The migration keeps every year's pass mark.")
@pytest.mark.django_db(transaction=True)
def test_migration_forward_keeps_pass_marks(old_models):
    other = old_models.get_model("school", "Network").objects.create(code="o", name="O")
    expected = {
        create_year(old_models, 2020, 55, 3): ("5.5", 3),
        create_year(old_models, 2021, 60, 0): ("6.0", 4),
        create_year(old_models, 2022, 100, 4): ("10.0", 4),
        create_year(old_models, 2023, 0, 2): ("0.0", 2),
        create_year(old_models, 2024, 60, 4): ("6.0", 4),
        create_year(old_models, 2024, 60, 4, other.pk): ("6.0", 4),
    }

    migrate_to_latest()

    year_rules = m.YearRules.objects.filter(school_year__in=expected)
    for rules in year_rules.select_related("version__profile", "school_year"):
        expected_pass_mark, terms = expected.pop(rules.school_year_id)
        assert rules.grade_level is None
        assert rules.version.rules == Rules(
            terms=terms, pass_mark=expected_pass_mark
        ).model_copy(update={"term_kind": rules.version.rules.term_kind})
        assert rules.version.profile.network_id == rules.school_year.network_id
    assert expected == {}
    profiles = m.RuleProfile.objects.exclude(network_id=other.pk)
    assert profiles.filter(code="nota-6-0-4-periodos").count() == 1


@ORM_MIGRATION
@pytest.mark.guarantee("The migration keeps every year's pass mark.")
@pytest.mark.django_db(transaction=True)
def test_migration_backward_restores_pass_marks(old_models):
    expected = {
        create_year(old_models, 2020, 55, 3): 55,
        create_year(old_models, 2022, 100, 0): 100,
    }
    migrate_to_latest()
    one = m.SchoolYear.objects.get(year=2020)
    profile = m.RuleProfile.objects.create(network_id=1, code="own", name="Own")
    version = profile.revise(Rules(terms=3, pass_mark="7.0"))
    m.YearRules.objects.create(school_year=one, grade_level_id=1, version=version)
    m.YearRules.objects.filter(school_year__year=2026).delete()

    apps = migrate_to(OLD_MIGRATION)

    years = apps.get_model("school", "SchoolYear").objects.values_list(
        "pk", "pass_tenths"
    )
    assert dict(years) == {**expected, 1: 60}


@ORM_MIGRATION
@pytest.mark.guarantee("Names are found by the letters of an ordinary keyboard.")
@pytest.mark.django_db(transaction=True)
def test_migration_writes_the_keys_of_all_names_anew(old_models):
    apps = migrate_to(("school", "0010_must_change_password"))
    models = {name: apps.get_model("school", name) for name in ("Student", "School")}
    for model in models.values():
        model.objects.update(name="Żaneta D'Ávila", sort_key=b"stale")
    models["Student"].objects.filter(pk=7).update(social_name="Łucja")
    apps.get_model("school", "User").objects.update(first_name="Zoë", last_name="Sá")

    migrate_to_latest()

    keyed = (m.Student, m.School, m.SchoolClass, m.Subject, m.GradeLevel, m.Network,
             m.RuleProfile, m.User)  # fmt: skip
    for model in keyed:
        assert model.objects.exists()
        for record in model.objects.all():
            keys = {name: bytes(getattr(record, name)) for name in record.name_keys()}
            assert keys == record.name_keys()


@pytest.mark.django_db(transaction=True)
def test_migration_both_ways_keeps_records_sort_keys_and_triggers(old_models):
    counts = [old_models.get_model("school", "Absence").objects.count()]
    with pytest.raises(IntegrityError, match="another class"), transaction.atomic():
        old_models.get_model("school", "Grade").objects.filter(pk=1).update(offering=21)

    migrate_to_latest()

    assert counts == [m.Absence.objects.count()]
    for model in (m.School, m.SchoolClass, m.Subject, m.Student):
        assert model.objects.exists()
        for record in model.objects.all():
            assert bytes(record.sort_key) == sort_key(record.sort_name())
    assert m.Enrolment.objects.filter(ending="").count() == m.Enrolment.objects.count()
    with pytest.raises(IntegrityError, match="another class"), transaction.atomic():
        m.Grade.objects.filter(pk=1).update(offering=21)


@pytest.mark.guarantee("No token is stored.")
@pytest.mark.django_db(transaction=True)
def test_migration_deletes_the_tokens_of_the_former_library(old_models):
    migrate_to(("school", "0007_sessions"))
    call_command("migrate", "admin", verbosity=0)
    names = ("outstandingtoken", "blacklistedtoken")
    tables = [f"token_blacklist_{name}" for name in names]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {tables[0]} (id integer PRIMARY KEY, token text)")
        cursor.execute(
            f"CREATE TABLE {tables[1]} (token_id integer REFERENCES {tables[0]} (id))"
        )
        cursor.execute(f"INSERT INTO {tables[0]} VALUES (1, 'eyJhbGciOi')")
        cursor.execute(f"INSERT INTO {tables[1]} VALUES (1)")
    MigrationRecorder(connection).record_applied("token_blacklist", "0001_initial")
    content_type = ContentType.objects.create(app_label="token_blacklist", model="x")
    content_type.permission_set.create(codename="view_x", name="Can view x")

    call_command("migrate", verbosity=0)

    assert not set(tables) & set(connection.introspection.table_names())
    assert not ContentType.objects.filter(app_label="token_blacklist").exists()
    assert not Permission.objects.filter(codename="view_x").exists()
    applied = MigrationRecorder(connection).applied_migrations()
    assert "token_blacklist" not in {app for app, _name in applied}
