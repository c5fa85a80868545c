"""Expected students at risk: a row per student who failed or may still fail the year."""

from collections import Counter

from tests.api.access_matrix.actions import parse_table
from tests.api.access_matrix.expected_rows import (
    count_absences,
    final_grades,
    identity_key,
    identity_of_row,
    latest_with_chains,
    merge_grades,
    subject_names,
)
from tests.support.oracle import sentences
from tests.support.oracle.reason_codes import reason_codes
from tests.support.oracle.selection import (
    Rows,
    Selection,
    count_skipped_records,
    format_attendance,
    identity_cells,
)
from tests.support.oracle.student_year import StudentYear
from tests.tasks.reports.figures.expected.base import ExpectedReport, KeyedRows

PASSING_SITUATIONS = {
    "approved", "approved_after_recovery", "approved_by_council", "approved_with_dependency",
    "promoted",
}  # fmt: skip


def rows(selection: Selection) -> Rows:
    """Return students who failed or may still fail the year, without leavers."""
    years = selection.latest_years()
    candidates = [
        year
        for year in years
        if year.rules is not None
        and year.is_at_school
        and year.situation not in PASSING_SITUATIONS
    ]
    risks = ("by_grades", "by_attendance", "by_council_list")
    rows = [_risk_row(year) for year in candidates]
    return [row for row in rows if any(row[risk] for risk in risks)]


def _risk_row(year: StudentYear) -> dict[str, object]:
    below = sum(subject.is_at_risk for subject in year.subjects if subject.counts)
    return {
        **identity_cells(year.enrolment),
        "situation": year.situation,
        "attendance": format_attendance(year),
        "absences": year.days.absence_count,
        "absences_left": year.absences_left,
        "subjects_below": below,
        "by_grades": below > 0,
        "by_attendance": year.days.is_enough is False,
        "by_council_list": bool(year.days.is_for_council),
        "reasons": sentences.reasons(year),
        "reason_codes": reason_codes(year),
        "saving": sentences.saving(year),
    }


def skipped_counts(selection: Selection) -> Counter[str]:
    years = selection.latest_years()
    counts = count_skipped_records(years)
    counts["left"] = sum(not year.is_at_school for year in years)
    counts["no_rules"] = sum(year.rules is None and year.is_at_school for year in years)
    counts["not_regular"] = selection.not_regular_count
    return counts


def expected_risks(name, parameters):
    """Return absences and subjects below the pass mark of each student at risk."""
    risks_by_identity = {}
    for one, before in latest_with_chains(name, parameters):
        if one.exit_date is not None or one.school_class.school.network_id != 1:
            continue  # has left, or is in the network that has no rules
        absence_count, grades = count_absences(before), merge_grades(before)
        below = sum(mean < 6 for mean in final_grades(one, grades).values())
        is_complete = all(len(grades[subject]) == 4 for subject in subject_names(one))
        # Of 200 days 25 % may be missed; above 7.5 % the council must be notified.
        is_approved = is_complete and not below and absence_count <= 50
        if (absence_count > 15 or below) and not is_approved:
            risks_by_identity[identity_key(one)] = absence_count, below
    return risks_by_identity


def actual_risks(rows):
    return {
        identity_of_row(row): (row["absences"], row["subjects_below"]) for row in rows
    }


# The sample, with students who are at risk or were at risk until they moved.
OUTCOMES = parse_table("""
                          administrator secretary  colleague  stranger
year=2026                 made          made       made       made
class_id=2                made          made       class_id   class_id
school_id=2,year=2026     made          school_id  school_id  made
student_id=17,year=2026   made          made       bare       student_id
student_id=17,class_id=1  bare          bare       bare       both
student_id=54,class_id=3  made          both       both       made
student_id=67,year=2026   bare          student_id student_id bare
student_id=76,year=2026   made          student_id student_id student_id
""")

EXPECTED = ExpectedReport(
    roles={"administrator", "staff", "teacher"},
    reach="YEAR",
    rows=rows,
    skipped=skipped_counts,
    skipped_of_inconsistent_class={
        "grade_outside_terms": 3, "absence_outside_enrolment": 2, "grade_after_exit": 1,
        "left": 2, "no_rules": 1,
    },
    students="some",
    texts=(
        ("pt-BR", "Precisa De Muito", "saving", "Matemática: precisa tirar pelo menos 9,0 no 3º e no 4º bimestre para passar."),
        ("en", "Precisa De Muito", "saving", "Matemática: needs at least 9.0 in the 3rd and in the 4th bimester to pass."),
    ),
    keyed_rows=KeyedRows(expected_risks, actual_risks),
    outcomes=OUTCOMES,
)  # fmt: skip
