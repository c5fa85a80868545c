"""Expected transcripts: all years of a student, including prior years elsewhere."""

from collections import Counter

from school import models as m
from tests.api.access_matrix.expected_access import (
    enrolment_chain,
    expected_history,
    latest_only,
)
from tests.api.access_matrix.expected_rows import (
    merge_grades,
    subject_names,
    term_grades,
)
from tests.support.oracle import visibility
from tests.support.oracle.selection import (
    Rows,
    Selection,
    count_skipped_records,
    format_attendance,
)
from tests.support.oracle.student_year import StudentYear
from tests.support.oracle.subject_year import SubjectYear
from tests.tasks.reports.figures.expected.base import (
    ExpectedReport,
    KeyedRows,
    Objects,
    student_cases,
)


def rows(selection: Selection) -> Rows:
    students = {e.student_id: e.student for e in selection.listed}
    students_in_order = sorted(
        students.values(), key=lambda s: (bytes(s.sort_key), s.pk)
    )
    years = {student.pk: _years_of(student, selection) for student in students_in_order}
    max_terms = max([year.terms for year in _all_years(selection)], default=0)
    terms = range(1, max_terms + 1)
    cells: Rows = []
    for student in students_in_order:
        own_years = [
            (y.enrolment.school_class.school_year.year, y) for y in years[student.pk]
        ]
        prior_years = [(p.year, p) for p in _prior_years(student, years[student.pk])]
        # The sort is stable: prior years come first within the same year.
        for _, year in sorted([*prior_years, *own_years], key=lambda pair: pair[0]):
            is_own = isinstance(year, StudentYear)
            cells += _own_rows(year, terms) if is_own else _prior_rows(year, terms)
    return cells


def _all_years(selection: Selection) -> list[StudentYear]:
    students = {e.student_id: e.student for e in selection.listed}
    return [y for student in students.values() for y in _years_of(student, selection)]


def _years_of(student: m.Student, selection: Selection) -> list[StudentYear]:
    """Return the student's years by year and entry date, each at its latest enrolment."""
    history = selection.history_of(student.pk)
    latest = visibility.latest_only(history, history)
    sorted_enrolments = sorted(
        latest, key=lambda e: (e.school_class.school_year.year, e.entry_date, e.pk)
    )  # fmt: skip
    return [selection.build_year(e, history) for e in sorted_enrolments]


def _prior_years(student: m.Student, years: list[StudentYear]) -> list[m.PriorYear]:
    """Return prior years; after an exit, only those that the student can have brought."""
    prior_years = m.PriorYear.objects.filter(student=student).order_by("year", "pk")
    newest = max(years, key=lambda y: (y.enrolment.entry_date, y.enrolment.pk))
    [end] = [s.end for s in newest.chain if s.enrolment == newest.enrolment]
    year = newest.enrolment.school_class.school_year
    if end is None:
        # A student without an exit date stayed until the year was over.
        is_over = year.is_closed
        return [p for p in prior_years if not is_over or p.year <= year.ends_on.year]
    last_year = min(end.year, year.ends_on.year)
    has_brought_along = newest.came_late or end >= year.ends_on
    return [
        p
        for p in prior_years
        if p.year < last_year or p.year == last_year and has_brought_along
    ]


def _person(student: m.Student) -> dict[str, object]:
    return {
        "student": student.name,
        "social_name": student.social_name or None,
        "registration": student.registration,
        "inep_code": student.inep_code,
        "birth_date": student.birth_date.isoformat(),
        "birth_place": student.birth_place or None,
        "nationality": student.nationality or None,
        "parents": student.parents or None,
        "identity_document": student.identity_document or None,
        "birth_certificate": student.birth_certificate or None,
    }


def _own_rows(year: StudentYear, terms: range) -> Rows:
    e = year.enrolment
    school = e.school_class.school
    hours = {o.subject_id: o.hours for o in year.offerings}
    # A year without subjects still has a row.
    subjects: list[SubjectYear | None] = [*year.subjects] or [None]
    return [
        {
            **_person(e.student),
            "year": str(e.school_class.school_year),
            "grade_level": e.grade_level.name,
            "school": school.name,
            "city": school.city,
            "state": school.state,
            "authorisation": school.authorisation,
            "subject": subject and subject.subject.name,
            "grade": subject and subject.result_cell,
            **{f"term_{n}": subject and subject.term_cell(n) for n in terms},
            "hours": subject and hours[subject.subject.pk],
            "days": year.days.lesson_days,
            "attendance": format_attendance(year),
            "situation": year.situation,
            "partial": year.is_open,
            "student_id": e.student_id,
            "school_id": school.pk,
        }
        for subject in subjects
    ]


def _prior_rows(prior: m.PriorYear, terms: range) -> Rows:
    subjects = list(prior.subjects.order_by("pk")) or [None]
    return [
        {
            **_person(prior.student),
            "year": str(prior.year),
            "grade_level": prior.grade_level,
            "school": prior.school,
            "city": prior.city or None,
            "state": prior.state or None,
            "authorisation": None,
            "subject": subject and subject.subject,
            "grade": subject and (subject.grade or None),
            **{f"term_{n}": None for n in terms},
            "hours": subject and subject.hours,
            "days": prior.days,
            "attendance": prior.attendance or None,
            "situation": None,
            "partial": False,
            "student_id": prior.student_id,
            "school_id": None,
        }
        for subject in subjects
    ]


def skipped_counts(selection: Selection) -> Counter[str]:
    counts = count_skipped_records(_all_years(selection))
    counts["not_regular"] = selection.not_regular_count
    return counts


def cases(objects: Objects) -> list[dict[str, object]]:
    return [*student_cases(objects), *({"student_id": pk} for pk in objects.students)]


def expected_transcripts(name, parameters):
    """Return grades by student, year, school and subject, including prior years."""
    history = expected_history(name, parameters)
    grades_by_key = {}
    for one in latest_only(history):
        grades = merge_grades(enrolment_chain(one, history))
        for subject in subject_names(one):
            key = one.student.registration, "2026", one.school_class.school.name
            grades_by_key[*key, subject] = grades.get(subject, {})
    prior_subjects = m.PriorSubject.objects.filter(
        prior_year__student__in={one.student_id for one in history}
    )
    for prior in prior_subjects.select_related("prior_year__student"):
        year = prior.prior_year
        key = year.student.registration, str(year.year), year.school, prior.subject
        grades_by_key[key] = prior.grade or None
    return grades_by_key


def actual_transcripts(rows):
    return {
        (row["registration"], row["year"], row["school"], row["subject"]): (
            term_grades(row) if row["year"] == "2026" else row["grade"]
        )
        for row in rows
    }


EXPECTED = ExpectedReport(
    roles={"administrator", "staff"},
    reach="HISTORY",
    rows=rows,
    skipped=skipped_counts,
    skipped_of_inconsistent_class={
        "grade_outside_terms": 3, "absence_outside_enrolment": 2, "grade_after_exit": 1,
        "subject_not_offered": 1,
    },
    cases=cases,
    has_class_column=False,
    has_own_sql=True,
    text_columns={"explanation", "result"},
    keyed_rows=KeyedRows(expected_transcripts, actual_transcripts),
)  # fmt: skip
