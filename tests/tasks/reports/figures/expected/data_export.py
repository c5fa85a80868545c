"""Expected data exports: the ids and grades of every record, by table."""

from functools import cache

from tests.api.access_matrix.actions import parse_table
from tests.api.access_matrix.expected_access import expected_enrolments
from tests.api.access_matrix.expected_rows import pair_with_chains
from tests.tasks.reports.figures.expected.base import ExpectedReport, KeyedRows

EXPORT_KEYS = (
    "school_id", "school_year_id", "grade_level_id", "subject_id", "class_id",
    "class_day_id", "student_id", "enrolment_id", "term", "grade",
)  # fmt: skip


def record_ids(record, *names):
    """Return the record's own id under the first name, and its foreign keys under the others."""
    first, *others = names
    return {first: record.pk, **{name: getattr(record, name) for name in others}}


def class_records(one):
    """Return the ids of the records of an enrolment's class, by export table."""
    school_class, year = one.school_class, one.school_class.school_year
    return {
        "schools": [{"school_id": school_class.school_id}],
        "school_years": [{"school_year_id": year.pk}],
        "terms": [{"school_year_id": year.pk, "term": t.number} for t in year.terms.all()],
        "grade_levels": [{"grade_level_id": one.grade_level_id}],
        "subjects": [{"subject_id": o.subject_id} for o in school_class.offerings.all()],
        "classes": [record_ids(school_class, "class_id", "school_id", "school_year_id")],
        "class_subjects": [
            {"class_id": school_class.pk, "subject_id": o.subject_id} for o in school_class.offerings.all()
        ],
        "class_subject_levels": [
            {
                "class_id": school_class.pk,
                "subject_id": o.subject_id,
                "grade_level_id": level.pk,
            }
            for o in school_class.offerings.all()
            for level in o.grade_levels.all()
        ],
        "class_days": [
            {"class_id": school_class.pk, **record_ids(day, "class_day_id", "term")}
            for day in school_class.sessions.all()
        ],
    }  # fmt: skip


def student_records(one):
    """Return the ids of the records of an enrolment itself, by export table."""
    class_ids = {
        "class_id": one.school_class_id,
        "school_id": one.school_class.school_id,
    }
    enrolment_ids = {**class_ids, **record_ids(one, "enrolment_id", "student_id")}
    return {
        "students": [{"student_id": one.student_id}],
        "enrolments": [
            {
                **enrolment_ids,
                "grade_level_id": one.grade_level_id,
            }
        ],
        "grades": [
            {
                **enrolment_ids,
                "subject_id": g.offering.subject_id,
                "term": g.term,
                **format_grade(g),
            }
            for g in one.grades.select_related("offering")
        ],
        "recovery_exams": [
            {
                **enrolment_ids,
                "subject_id": exam.offering.subject_id,
                **format_grade(exam),
            }
            for exam in one.recovery_grades.select_related("offering")
        ],
        "exemptions": [
            {**enrolment_ids, "subject_id": x.offering.subject_id, "term": x.term}
            for x in one.exemptions.select_related("offering")
        ],
        "absences": [
            {**enrolment_ids, "class_day_id": a.session_id, "term": a.session.term}
            for a in one.absences.select_related("session")
        ],
    }


def format_grade(grade):
    tenths = grade.tenths
    return {"grade": None if tenths is None else f"{tenths // 10}.{tenths % 10}"}


@cache
def exportable_records(one):
    """Return the records of an enrolment and of its class, by export table."""
    return {
        table: {frozenset(record.items()) for record in records}
        for table, records in {**class_records(one), **student_records(one)}.items()
    }


def expected_exports(name, parameters):
    enrolments = expected_enrolments(name, parameters)
    return set().union(
        *(
            exportable_records(member)[parameters["table"]]
            for _one, chain in pair_with_chains(enrolments, name)
            for member in chain
        )
    )


def actual_exports(rows):
    keys = [
        frozenset((key, row[key]) for key in EXPORT_KEYS if key in row) for row in rows
    ]
    assert len(set(keys)) == len(keys)  # no record twice
    return set(keys)


OUTCOMES = {
    **parse_table("""
                                     superuser administrator secretary stranger  neighbour
table=grades                         made      made          made      made      made
table=grades,class_id=3              made      made          class_id  made      class_id
table=grades,class_id=5              made      class_id      class_id  class_id  class_id
table=grades,school_id=2             made      made          school_id made      school_id
table=grades,school_id=2,class_id=1  bare      bare          school_id class_id  both
table=grades,school_id=3,class_id=3  bare      bare          both      school_id class_id
table=grades,year=1999               bare      bare          bare      bare      bare
"""),
    **parse_table("""
                                     administrator secretary stranger
table=schools                        made          made      made
table=school_years                   made          made      made
table=terms                          made          made      made
table=grade_levels                   made          made      made
table=subjects                       made          made      made
table=classes                        made          made      made
table=class_subjects                 made          made      made
table=class_subject_levels           bare          bare      bare
table=class_days                     made          made      made
table=students                       made          made      made
table=enrolments                     made          made      made
table=recovery_exams                 made          made      made
table=exemptions                     bare          bare      bare
table=absences                       made          made      made
table=class_days,class_id=3          made          class_id  made
table=students,class_id=3            made          class_id  made
"""),
}  # fmt: skip

EXPECTED = ExpectedReport(
    roles={"administrator", "staff"},
    reach="YEAR",
    # Tables of plain records instead of figures: `keyed_rows` compares their ids and grades.
    rows=None,
    skipped=None,
    skipped_of_inconsistent_class={},
    required_parameters={"table": "enrolments"},
    has_own_sql=True,
    keyed_rows=KeyedRows(expected_exports, actual_exports),
    outcomes=OUTCOMES,
)
