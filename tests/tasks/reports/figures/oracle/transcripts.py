"""Rows of transcripts: all years of a student, also those from elsewhere."""

from school import models as m
from tests.tasks.reports.figures.oracle import visibility
from tests.tasks.reports.figures.oracle.report_cards import format_term_grade
from tests.tasks.reports.figures.oracle.selection import (
    Rows,
    Selection,
    final_or_mean,
    format_attendance,
)
from tests.tasks.reports.figures.oracle.student_year import StudentYear
from tests.tasks.reports.figures.oracle.subject_year import SubjectYear


def transcript(selection: Selection) -> Rows:
    students = {e.student_id: e.student for e in selection.enrolments}
    students_in_order = sorted(
        students.values(), key=lambda s: (bytes(s.sort_key), s.pk)
    )
    years = {student.pk: _years_of(student, selection) for student in students_in_order}
    max_terms = max([year.terms for year in all_student_years(selection)], default=0)
    terms = range(1, max_terms + 1)
    rows: Rows = []
    for student in students_in_order:
        own_years = [
            (y.enrolment.school_class.school_year.year, y) for y in years[student.pk]
        ]
        history = visibility.full_history(
            student.pk, selection.visible, selection.dataset.enrolments
        )
        prior_years = [(p.year, p) for p in _prior_years(student, history)]
        # What has the same year keeps its order: papers from elsewhere come first.
        for _, year in sorted([*prior_years, *own_years], key=lambda pair: pair[0]):
            is_own = isinstance(year, StudentYear)
            rows += _own_rows(year, terms) if is_own else _prior_rows(year, terms)
    return rows


def all_student_years(selection: Selection) -> list[StudentYear]:
    students = {e.student_id: e.student for e in selection.enrolments}
    return [y for student in students.values() for y in _years_of(student, selection)]


def _years_of(student: m.Student, selection: Selection) -> list[StudentYear]:
    """By year and entry; each at its latest enrolment."""
    history = visibility.full_history(
        student.pk, selection.visible, selection.dataset.enrolments
    )
    latest = visibility.latest_only(history)
    sorted_enrolments = sorted(
        latest, key=lambda e: (e.school_class.school_year.year, e.entry_date, e.pk)
    )  # fmt: skip
    return [selection.build_year(e, history) for e in sorted_enrolments]


def _prior_years(student: m.Student, history: list[m.Enrolment]) -> list[m.PriorYear]:
    """Of who has left: those before the year of leaving, for the rest came after it."""
    prior_years = list(
        m.PriorYear.objects.filter(student=student).order_by("year", "pk")
    )
    last_enrolment = max(history, key=lambda e: (e.entry_date, e.pk))
    year = last_enrolment.school_class.school_year
    if last_enrolment.exit_date is not None:
        return [
            prior for prior in prior_years if prior.year < last_enrolment.exit_date.year
        ]
    # Who was never noted to leave was there until the year was over.
    return [p for p in prior_years if not year.is_closed or p.year <= year.ends_on.year]


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
    hours = {o.subject_id: o.hours for o in e.school_class.offerings.all()}
    # A year without a subject is a year all the same, and has a row.
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
            "grade": subject and (subject.concept or final_or_mean(subject)),
            **{
                f"term_{n}": subject and format_term_grade(subject.tenths, n)
                for n in terms
            },
            "hours": subject and hours[subject.subject.pk],
            "days": year.days.lesson_days,
            "attendance": format_attendance(year),
            "situation": year.situation,
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
        }
        for subject in subjects
    ]
