"""Builder of students' years from the records of their enrolments."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from school.grading import outcome
from school.grading.attendance import AttendanceDays
from school.grading.outcome import YearRecord
from school.grading.subjects import SubjectGrades
from school.records import attendance, grades
from school.records.attendance import DayCounts, LessonCalendars
from school.records.calendar import AcademicCalendar
from school.records.curriculum import Curriculum
from school.records.enrolment_chains import build_chain
from school.records.enrolment_record import EnrolmentRecord, dumps, loads
from school.records.enrolment_rows import EnrolmentRow
from school.records.grades import Gradebook
from school.records.student_year import ClassSubject, SkippedRecords, StudentYear


class YearBuilder:
    """Builds years of enrolments in the given classes.

    `earlier` are records of earlier enrolments that these may continue; `term_count` is
    the highest number of terms of any year.
    """

    def __init__(
        self,
        calendar: AcademicCalendar,
        classes: Set[int],
        earlier: Iterable[EnrolmentRecord],
        term_count: int,
        *,
        with_grades: bool,
    ) -> None:
        self._calendar = calendar
        self._term_count = term_count
        self._earlier: Mapping[Any, list[bytes]] = defaultdict(list)
        earlier_classes = set()
        for record in earlier:
            self._earlier[record.row.year_key].append(dumps(record))
            earlier_classes.add(record.row.class_id)
        self._lesson_calendars = LessonCalendars(classes | earlier_classes, term_count)
        self._curriculum = Curriculum(
            classes | earlier_classes if with_grades else set()
        )

    def build(
        self, record: EnrolmentRecord, skipped_records: SkippedRecords
    ) -> StudentYear:
        """Build the year of the enrolment; add unusable records to `skipped_records`."""
        row = record.row
        chain_records, overlaps = self._find_chain(record)
        for other in overlaps:
            skipped_records.add(other.id, {"enrolment_overlaps": 1})
        rule_version = self._calendar.rule_version(row.year_id, row.level_id)
        subjects = self._curriculum.subjects(row.class_id)
        lesson_counts = [self._lesson_counts(member.row) for member in chain_records]
        absences = [
            attendance.parse_absences(r.absences_json, r.row, self._term_count)
            for r in chain_records
        ]
        for member, absence in zip(chain_records, absences, strict=True):
            skipped_records.add(
                member.row.id, {"absence_outside_enrolment": absence.outside_count}
            )
        absence_counts = sum((a.counts for a in absences[1:]), absences[0].counts)
        lesson_total = sum(lesson_counts[1:], lesson_counts[0])
        days_outside = (
            len(self._lesson_calendars.for_enrolment(row)) - lesson_total.total
        )
        year = YearRecord(
            subjects=self._collect_grades(chain_records, subjects, skipped_records),
            days=AttendanceDays(
                lesson_days=lesson_total.total,
                absences=absence_counts.total,
                justified_absences=sum(absence.justified_count for absence in absences),
                days_outside=max(0, days_outside),
            ),
            exit_reason=row.exit_reason,
            is_closed=row.is_closed,
            by_council=row.by_council,
        )
        result = outcome.decide_outcome(
            rule_version.rules if rule_version else None, year
        )
        return StudentYear(
            row, rule_version, subjects, year, result, lesson_total, absence_counts
        )

    def _find_chain(
        self, record: EnrolmentRecord
    ) -> tuple[Sequence[EnrolmentRecord], Sequence[EnrolmentRow]]:
        """Return the year's records, oldest first, and the rows that overlap them."""
        candidates = self._earlier.get(record.row.year_key)
        if not candidates:  # the usual case
            return [record], []
        earlier = list(map(loads, candidates))
        enrolment_chain = build_chain(
            record.row, [candidate.row for candidate in earlier]
        )
        by_id = {member.row.id: member for member in (*earlier, record)}
        chain_records = [by_id[row.id] for row in enrolment_chain.rows]
        return chain_records, enrolment_chain.overlaps

    def _lesson_counts(self, row: EnrolmentRow) -> DayCounts:
        """Count the lesson days on which the student was in the class."""
        return self._lesson_calendars.for_enrolment(row).count_between(
            row.entry, row.exit
        )

    def _collect_grades(
        self,
        chain_records: Sequence[EnrolmentRecord],
        subjects: Sequence[ClassSubject],
        skipped_records: SkippedRecords,
    ) -> Mapping[int, SubjectGrades]:
        """Return grades by subject id, each from the newest enrolment that has it."""
        last_row = chain_records[-1].row
        term_count = self._calendar.term_count(last_row.year_id, last_row.level_id)
        empty = SubjectGrades((None,) * term_count)
        grades_by_subject = {subject.id: empty for subject in subjects}
        for record in chain_records:
            row = record.row
            late_terms = self._calendar.late_terms(row.year_id, row.exit)
            skipped_counts: Counter[str] = Counter()
            for subject, entry in self._parse_gradebook(record).items():
                year_terms = entry.terms[:term_count]
                valid_terms = _blank_late_terms(year_terms, late_terms)
                outside_terms = (
                    _count_grades(entry.terms)
                    - _count_grades(year_terms)
                    + entry.outside_terms
                )
                skipped_counts["grade_outside_terms"] += outside_terms
                skipped_counts["grade_after_exit"] += _count_grades(
                    year_terms
                ) - _count_grades(valid_terms)
                if subject in grades_by_subject:
                    newer = SubjectGrades(valid_terms, entry.exam)
                    older = grades_by_subject[subject]
                    grades_by_subject[subject] = (
                        newer if older is empty else _merge_grades(newer, older)
                    )
                else:
                    skipped_count = _count_grades((*valid_terms, entry.exam))
                    skipped_counts["subject_not_offered"] += skipped_count
            skipped_records.add(row.id, skipped_counts)
        return grades_by_subject

    def _parse_gradebook(self, record: EnrolmentRecord) -> Gradebook:
        subject_by_offering = self._curriculum.subject_by_offering(record.row.class_id)
        return grades.parse_gradebook(
            record.grades_json, record.exams_json, subject_by_offering, self._term_count
        )


def _blank_late_terms(
    terms: Sequence[int | None], late_terms: Set[int]
) -> tuple[int | None, ...]:
    if not late_terms:  # the usual case
        return tuple(terms)
    return tuple(
        None if n in late_terms else tenths for n, tenths in enumerate(terms, 1)
    )


def _merge_grades(newer: SubjectGrades, older: SubjectGrades) -> SubjectGrades:
    pairs = zip(newer.terms, older.terms, strict=True)
    return SubjectGrades(
        tuple(old if new is None else new for new, old in pairs),
        older.exam if newer.exam is None else newer.exam,
    )


def _count_grades(tenths: Sequence[int | None]) -> int:
    return len(tenths) - tenths.count(None)
