"""Rows of transcripts: all years of a student, also those from elsewhere."""

from school import models as m
from tests.figures.oracle import sight
from tests.figures.oracle.cards import term_grade
from tests.figures.oracle.world import Asked, Rows, attendance, best
from tests.figures.oracle.years import Year


def transcript(asked: Asked) -> Rows:
    students = {e.student_id: e.student for e in asked.listed}
    in_order = sorted(students.values(), key=lambda s: (bytes(s.sort_key), s.pk))
    years = {student.pk: _years_of(student, asked) for student in in_order}
    every = [year for some in years.values() for year in some]
    terms = range(1, max([year.terms for year in every], default=0) + 1)
    rows: Rows = []
    for student in in_order:
        own = [
            (y.enrolment.school_class.school_year.year, y) for y in years[student.pk]
        ]
        prior = [(p.year, p) for p in _prior_years(student)]
        # What has the same year keeps its order: papers from elsewhere come first.
        for _, year in sorted([*prior, *own], key=lambda pair: pair[0]):
            is_own = isinstance(year, Year)
            rows += _own_rows(year, terms) if is_own else _prior_rows(year, terms)
    return rows


def _years_of(student: m.Student, asked: Asked) -> list[Year]:
    """By year and entry; each at its latest enrolment."""
    history = sight.history_of(student.pk, asked.seen, asked.world.enrolments)
    latest = sight.latest_of(history)
    ordered = sorted(
        latest, key=lambda e: (e.school_class.school_year.year, e.entry_date, e.pk)
    )  # fmt: skip
    return [asked.year(e, history) for e in ordered]


def _prior_years(student: m.Student) -> list[m.PriorYear]:
    return list(m.PriorYear.objects.filter(student=student).order_by("year", "pk"))


def _person(student: m.Student) -> dict[str, object]:
    return {
        "student": student.name,
        "social_name": student.social_name,
        "registration": student.registration,
        "inep_code": student.inep_code,
        "birth_date": student.birth_date.isoformat(),
        "birth_place": student.birth_place,
        "nationality": student.nationality,
        "parents": student.parents,
        "identity_document": student.identity_document,
        "birth_certificate": student.birth_certificate,
    }


def _own_rows(year: Year, terms: range) -> Rows:
    e = year.enrolment
    school = e.school_class.school
    hours = {o.subject_id: o.hours for o in e.school_class.offerings.all()}
    return [
        {
            **_person(e.student),
            "year": e.school_class.school_year.year,
            "grade_level": e.grade_level.name,
            "school": school.name,
            "city": school.city,
            "state": school.state,
            "authorisation": school.authorisation,
            "subject": subject.subject.name,
            "grade": best(subject),
            **{f"term_{n}": term_grade(subject.tenths, n) for n in terms},
            "hours": hours[subject.subject.pk],
            "days": year.days.given,
            "attendance": attendance(year),
            "situation": year.situation,
        }
        for subject in year.subjects
    ]


def _prior_rows(prior: m.PriorYear, terms: range) -> Rows:
    return [
        {
            **_person(prior.student),
            "year": prior.year,
            "grade_level": prior.grade_level,
            "school": prior.school,
            "city": prior.city,
            "state": prior.state,
            "authorisation": None,
            "subject": subject.subject,
            "grade": subject.grade,
            **{f"term_{n}": None for n in terms},
            "hours": subject.hours,
            "days": prior.days,
            "attendance": prior.attendance,
            "situation": None,
            "result": prior.result,
        }
        for subject in prior.subjects.order_by("pk")
    ]
