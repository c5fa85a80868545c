"""Builder of students' years from the records of their enrolments."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from school.grading import outcome
from school.grading.attendance import AttendanceDays
from school.grading.outcome import YearRecord
from school.records import attendance
from school.records.attendance import DayCounts, LessonCalendars
from school.records.calendar import AcademicCalendar
from school.records.curriculum import Curriculum
from school.records.enrolment_chains import build_chain
from school.records.enrolment_record import EnrolmentRecord, dumps, loads
from school.records.enrolment_rows import EnrolmentRow
from school.records.exemptions import Exemptions
from school.records.student_year import SkippedRecords, StudentYear
from school.records.year_grades import GradeCollector, GradedMember


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
        graded_classes = classes | earlier_classes if with_grades else set()
        self._curriculum = Curriculum(graded_classes)
        self._grades = GradeCollector(
            calendar, self._curriculum, Exemptions(graded_classes), term_count
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
        subjects = self._curriculum.subjects(row.class_id, row.level_id)
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
            subjects=self._grades.collect(
                [GradedMember(member.row, member) for member in chain_records],
                subjects,
                skipped_records,
            ),
            days=AttendanceDays(
                lesson_days=lesson_total.total,
                absences=absence_counts.total,
                justified_absences=sum(absence.justified_count for absence in absences),
                days_outside=max(0, days_outside),
            ),
            exit_reason=row.exit_reason,
            is_closed=row.is_closed,
            by_council=row.by_council,
            retained_by_council=row.retained_by_council,
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
