"""Records that a user may see, and the cells that rows show of them."""

from collections import defaultdict
from fractions import Fraction
from functools import cache

from school.models import Absence, Enrolment, Grade, Offering
from tests.api.access_matrix.expected_access import (
    enrolment_chain,
    expected_enrolments,
    latest_only,
)

IDENTITY = ("school", "class", "grade_level", "number", "registration", "student")


def identity_key(one):
    return (
        one.school_class.school.name,
        one.school_class.name,
        one.grade_level.name,
        one.diary_number,
        one.student.registration,
        one.student.social_name or one.student.name,
    )


def identity_of_row(row):
    return tuple(row[name] for name in IDENTITY)


# Cached for all tests: none of them changes the records.
@cache
def visible_chains(name):
    """Map each visible enrolment to itself and its chain of predecessors at any school."""
    related = ("school_class__school", "student", "grade_level")
    visible = list(expected_enrolments(name, {}).select_related(*related))
    students = {one.student_id for one in visible}
    everything = Enrolment.objects.filter(student__in=students).select_related(*related)
    by_student = defaultdict(list)
    for one in everything:
        by_student[one.student_id].append(one)
    return {
        one: (one, enrolment_chain(one, by_student[one.student_id])) for one in visible
    }


def pair_with_chains(enrolments, name):
    return [visible_chains(name)[one] for one in enrolments]


def latest_with_chains(name, parameters):
    enrolments = expected_enrolments(name, parameters).select_related("school_class")
    return pair_with_chains(latest_only(enrolments), name)


@cache
def grades_of_enrolment(one):
    """Return subject, term and tenths of each grade."""
    graded = Grade.objects.filter(enrolment=one).exclude(tenths=None)
    return list(graded.values_list("offering__subject__name", "term", "tenths"))


@cache
def exams_of_enrolment(one):
    """Return the tenths of the recovery exams by offering."""
    return dict(one.recovery_grades.values_list("offering", "tenths"))


@cache
def absences_of_enrolment(one):
    """Return one boolean per absence: whether it is justified."""
    return list(
        Absence.objects.filter(enrolment=one).values_list("is_justified", flat=True)
    )


@cache
def offerings_of_class(school_class_id):
    offerings = Offering.objects.filter(school_class=school_class_id)
    return list(offerings.select_related("subject"))


def merge_grades(enrolments):
    """Return `{subject: {term: tenths}}`; a later enrolment replaces earlier grades."""
    grades = defaultdict(dict)
    for one in enrolments:
        for subject, term, tenths in grades_of_enrolment(one):
            grades[subject][term] = tenths
    return grades


def subject_names(one):
    return [
        offering.subject.name for offering in offerings_of_class(one.school_class_id)
    ]


def count_absences(enrolments):
    return sum(len(absences_of_enrolment(one)) for one in enrolments)


def term_grades(row):
    """Return the tenths that the row shows, by term."""
    return {
        int(name.removeprefix("term_")): round(float(cell) * 10)
        for name, cell in row.items()
        if name.startswith("term_") and cell is not None
    }


def decided_grades(one, grades):
    """Return the final means that will not change: neither a term nor an exam is missing."""
    if one.school_class.school.network_id != 1:
        return {}  # without rules nothing is decided
    subjects = {o.subject.code: o for o in offerings_of_class(one.school_class_id)}
    is_closed = one.school_class.school_year.is_closed
    return {
        code: mean
        for code, mean in final_grades(one, grades).items()
        if len(grades[subjects[code].subject.name]) == 4
        and (mean >= 6 or is_closed or subjects[code].pk in exams_of_enrolment(one))
    }


def final_grades(one, grades):
    """Return the final mean, or the mean so far, by subject code and the rules of the demo network."""
    means = {}
    for offering in offerings_of_class(one.school_class_id):
        tenths_by_term = grades.get(offering.subject.name)
        if not tenths_by_term:
            continue
        mean = Fraction(sum(tenths_by_term.values()), 10 * len(tenths_by_term))
        exam = exams_of_enrolment(one).get(offering.pk)
        if len(tenths_by_term) == 4 and mean < 6 and exam is not None:
            mean = (mean + Fraction(exam, 10)) / 2
        means[offering.subject.code] = mean
    return means
