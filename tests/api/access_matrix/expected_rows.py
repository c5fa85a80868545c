"""What each kind should show to somebody, from the single records, and what it does show."""

from collections import defaultdict
from fractions import Fraction
from functools import cache
from math import floor

from school.models import Absence, Grade, Offering, PriorSubject
from tests.api.access_matrix.expected_access import (
    enrolment_chain,
    expected_enrolments,
    expected_history,
    latest_only,
    list_grades,
)

IDENTITY = ("school", "class", "grade_level", "number", "registration", "student")


def identity_cells(one):
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


# What is read of somebody, an enrolment or a class is so in every test: none changes records.
@cache
def visible_chains(name):
    """By enrolment: itself and what came before it, as far as that person sees it."""
    related = ("school_class__school", "student", "grade_level")
    visible = list(expected_enrolments(name, {}).select_related(*related))
    return {one: (one, enrolment_chain(one, visible)) for one in visible}


def pair_with_chains(enrolments, name):
    return [visible_chains(name)[one] for one in enrolments]


def latest_with_chains(name, parameters):
    enrolments = expected_enrolments(name, parameters).select_related("school_class")
    return pair_with_chains(latest_only(enrolments), name)


@cache
def grades_of_enrolment(one):
    """Its grades: subject, term and tenths."""
    graded = Grade.objects.filter(enrolment=one).exclude(tenths=None)
    return list(graded.values_list("offering__subject__name", "term", "tenths"))


@cache
def exams_of_enrolment(one):
    """The tenths of its exams, by offering."""
    return dict(one.recovery_grades.values_list("offering", "tenths"))


@cache
def absences_of_enrolment(one):
    """For each of its days of absence, whether it is justified."""
    return list(
        Absence.objects.filter(enrolment=one).values_list("is_justified", flat=True)
    )


@cache
def offerings_of_class(school_class_id):
    offerings = Offering.objects.filter(school_class=school_class_id)
    return list(offerings.select_related("subject"))


def merge_grades(enrolments):
    """By subject: the tenths of each term, the newest that were given."""
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
    """Which tenths the row shows, by term."""
    return {
        int(name.removeprefix("term_")): round(float(cell) * 10)
        for name, cell in row.items()
        if name.startswith("term_") and cell is not None
    }


def expected_report_cards(name, parameters):
    """By student, class and subject: the grade of each term, and the days of absence."""
    cards_by_key = {}
    for one, before in latest_with_chains(name, parameters):
        grades, absence_count = merge_grades(before), count_absences(before)
        for subject in subject_names(one):
            cards_by_key[*identity_cells(one), subject] = (
                grades.get(subject, {}),
                absence_count,
            )
    return cards_by_key


def actual_report_cards(rows):
    return {
        (*identity_of_row(row), row["subject"]): (term_grades(row), row["absences"])
        for row in rows
    }


def expected_transcripts(name, parameters):
    """By student, year, school and subject: grades, also as the papers of elsewhere say."""
    history = expected_history(name, parameters)
    grades_by_key = {}
    for one in latest_only(history):
        grades = merge_grades(enrolment_chain(one, history))
        for subject in subject_names(one):
            key = one.student.registration, "2026", one.school_class.school.name
            grades_by_key[*key, subject] = grades.get(subject, {})
    prior_subjects = PriorSubject.objects.filter(
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


def expected_results(name, parameters):
    """By student and class: days of absence, and each subject's grade to two places."""
    results_by_identity = {}
    for one, before in pair_with_chains(expected_enrolments(name, parameters), name):
        grades = merge_grades(before)
        results_by_identity[identity_cells(one)] = (
            count_absences(before),
            {
                f"subject_{code}": floor(mean * 100 + Fraction(1, 2)) / 100
                for code, mean in final_grades(one, grades).items()
            },
        )
    return results_by_identity


def final_grades(one, grades):
    """By subject's code: the mean, else what the exam made of it; by the demo's rules."""
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


def actual_results(rows):
    return {
        identity_of_row(row): (
            row["absences"],
            {
                name: float(cell)
                for name, cell in row.items()
                if name.startswith("subject_") and cell is not None
            },
        )
        for row in rows
    }


def expected_attendance(name, parameters):
    """By student and class: the days absent, and those that are justified."""
    return {
        identity_cells(one): (
            count_absences(before),
            sum(sum(absences_of_enrolment(one)) for one in before),
        )
        for one, before in latest_with_chains(name, parameters)
    }


def actual_attendance(rows):
    return {identity_of_row(row): (row["absences"], row["justified"]) for row in rows}


def expected_risks(name, parameters):
    """By student and class: days absent, of who is there and has something to fear."""
    risks_by_identity = {}
    for one, before in latest_with_chains(name, parameters):
        if one.exit_date is not None or one.school_class.school.network_id != 1:
            continue  # has left, or is in the network without rules
        absence_count, grades = count_absences(before), merge_grades(before)
        below = sum(mean < 6 for mean in final_grades(one, grades).values())
        is_complete = all(len(grades[subject]) == 4 for subject in subject_names(one))
        # Of the demo's 200 days 25 % may be missed; past 7.5 % somebody is told.
        is_approved = is_complete and not below and absence_count <= 50
        if (absence_count > 15 or below) and not is_approved:
            risks_by_identity[identity_cells(one)] = absence_count, below
    return risks_by_identity


def actual_risks(rows):
    return {
        identity_of_row(row): (row["absences"], row["subjects_below"]) for row in rows
    }


def expected_performance(name, parameters):
    """By class, subject and term: how many grades, the lowest and the highest."""
    groups = defaultdict(list)
    for *group, term, tenths in list_grades(expected_enrolments(name, parameters)):
        if tenths is not None and parameters.get("term") in (None, term):
            groups[*group, term].append(tenths)
    return {group: (len(t), min(t), max(t)) for group, t in groups.items()}


def actual_performance(rows):
    return {
        (row["school"], row["class"], row["subject"], row["term"]): (
            row["grades"],
            *(round(float(row[name]) * 10) for name in ("lowest", "highest")),
        )
        for row in rows
    }


EXPORT_KEYS = (
    "school_id", "school_year_id", "grade_level_id", "subject_id", "class_id",
    "class_day_id", "student_id", "enrolment_id", "term", "grade",
)  # fmt: skip


def record_ids(record, *names):
    """The record's own id, under the first of the names, and those it refers to."""
    first, *others = names
    return {first: record.pk, **{name: getattr(record, name) for name in others}}


def class_records(one):
    """What belongs to the class of an enrolment, by table."""
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
        "class_days": [
            {"class_id": school_class.pk, **record_ids(day, "class_day_id", "term")}
            for day in school_class.sessions.all()
        ],
    }  # fmt: skip


def student_records(one):
    """What belongs to the enrolment itself, by table."""
    class_ids, enrolment_ids = (
        {"class_id": one.school_class_id},
        {"enrolment_id": one.pk},
    )
    return {
        "students": [{"student_id": one.student_id}],
        "enrolments": [
            {
                **class_ids,
                **record_ids(one, "enrolment_id", "student_id", "grade_level_id"),
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
    """What belongs to an enrolment, or to its class, by table."""
    return {
        table: {frozenset(record.items()) for record in records}
        for table, records in {**class_records(one), **student_records(one)}.items()
    }


def expected_exports(name, parameters):
    enrolments = expected_enrolments(name, parameters)
    return set().union(
        *(exportable_records(one)[parameters["table"]] for one in enrolments)
    )


def actual_exports(rows):
    keys = [
        frozenset((key, row[key]) for key in EXPORT_KEYS if key in row) for row in rows
    ]
    assert len(set(keys)) == len(keys)  # each record once
    return set(keys)


EXPECTED_AND_ACTUAL = {
    "report_card": (expected_report_cards, actual_report_cards),
    "transcript": (expected_transcripts, actual_transcripts),
    "final_results": (expected_results, actual_results),
    "attendance_summary": (expected_attendance, actual_attendance),
    "class_performance": (expected_performance, actual_performance),
    "at_risk_students": (expected_risks, actual_risks),
    "data_export": (expected_exports, actual_exports),
}
