"""Rows of transcripts: all years of a student, also those from elsewhere."""

from school import models as m
from tests.tasks.reports.figures.oracle import visibility
from tests.tasks.reports.figures.oracle.report_cards import term_grade
from tests.tasks.reports.figures.oracle.selection import Asked, Rows, attendance, best
from tests.tasks.reports.figures.oracle.student_year import Year
from tests.tasks.reports.figures.oracle.subject_year import SubjectYear


def transcript(asked: Asked) -> Rows:
    students = {e.student_id: e.student for e in asked.listed}
    in_order = sorted(students.values(), key=lambda s: (bytes(s.sort_key), s.pk))
    years = {student.pk: _years_of(student, asked) for student in in_order}
    longest = max([year.terms for year in every_year(asked)], default=0)
    terms = range(1, longest + 1)
    rows: Rows = []
    for student in in_order:
        own = [
            (y.enrolment.school_class.school_year.year, y) for y in years[student.pk]
        ]
        told = visibility.history_of(student.pk, asked.seen, asked.world.enrolments)
        prior = [(p.year, p) for p in _prior_years(student, told)]
        # What has the same year keeps its order: papers from elsewhere come first.
        for _, year in sorted([*prior, *own], key=lambda pair: pair[0]):
            is_own = isinstance(year, Year)
            rows += _own_rows(year, terms) if is_own else _prior_rows(year, terms)
    return rows


def every_year(asked: Asked) -> list[Year]:
    students = {e.student_id: e.student for e in asked.listed}
    return [y for student in students.values() for y in _years_of(student, asked)]


def _years_of(student: m.Student, asked: Asked) -> list[Year]:
    """By year and entry; each at its latest enrolment."""
    history = visibility.history_of(student.pk, asked.seen, asked.world.enrolments)
    latest = visibility.latest_of(history)
    ordered = sorted(
        latest, key=lambda e: (e.school_class.school_year.year, e.entry_date, e.pk)
    )  # fmt: skip
    return [asked.year(e, history) for e in ordered]


def _prior_years(student: m.Student, told: list[m.Enrolment]) -> list[m.PriorYear]:
    """Of who has left: those before the year of leaving, for the rest came after it."""
    every = list(m.PriorYear.objects.filter(student=student).order_by("year", "pk"))
    last = max(told, key=lambda e: (e.entry_date, e.pk))
    year = last.school_class.school_year
    if last.exit_date is not None:
        return [prior for prior in every if prior.year < last.exit_date.year]
    # Who was never noted to leave was there until the year was over.
    return [p for p in every if not year.is_closed or p.year <= year.ends_on.year]


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


def _own_rows(year: Year, terms: range) -> Rows:
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
            "grade": subject and (subject.concept or best(subject)),
            **{f"term_{n}": subject and term_grade(subject.tenths, n) for n in terms},
            "hours": subject and hours[subject.subject.pk],
            "days": year.days.given,
            "attendance": attendance(year),
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
