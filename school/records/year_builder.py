"""Builder of students' years from the records of their enrolments."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

from school.grading import outcome
from school.grading.attendance import AttendanceDays
from school.grading.outcome import YearRecord
from school.records import attendance
from school.records.attendance import LessonCalendar, LessonCalendars
from school.records.calendar import AcademicCalendar
from school.records.curriculum import Curriculum, find_teaching_classes
from school.records.enrolment_chains import build_chain
from school.records.enrolment_record import EnrolmentRecord, dumps, loads
from school.records.enrolment_rows import EnrolmentRow
from school.records.exemptions import Exemptions
from school.records.student_year import ClassSubject, SkippedRecords, StudentYear
from school.records.year_days import YearDays, count_year_days
from school.records.year_grades import GradeCollector, YearMember


class SharedYears(NamedTuple):
    """Years that several enrolments are part of, which are few."""

    others: Iterable[EnrolmentRecord]
    """Records of the enrolments that share a year with one whose year is built."""
    continued: Mapping[int, bool]
    """Ids of the enrolments that are not the last of their year; true if a later one is built, too."""


class YearBuilder:
    """Builds years of enrolments in the given classes.

    `term_count` is the highest number of terms of any year.
    """

    def __init__(
        self,
        calendar: AcademicCalendar,
        classes: Set[int],
        shared: SharedYears,
        term_count: int,
        *,
        with_grades: bool,
    ) -> None:
        self._calendar = calendar
        self._term_count = term_count
        self._continued = shared.continued
        self._others: Mapping[Any, list[bytes]] = defaultdict(list)
        other_classes = set()
        for record in shared.others:
            self._others[record.row.year_key].append(dumps(record))
            other_classes.add(record.row.class_id)
        all_classes = classes | other_classes
        self._lesson_calendars = LessonCalendars(all_classes, calendar, term_count)
        graded_classes = all_classes if with_grades else set()
        self._curriculum = Curriculum(graded_classes)
        self._teaching_classes = self._curriculum.teaching_classes
        if other_classes and not with_grades:
            self._teaching_classes = find_teaching_classes(all_classes)
        self._grades = GradeCollector(
            calendar, self._curriculum, Exemptions(graded_classes), term_count
        )

    def build(
        self, record: EnrolmentRecord, skipped_records: SkippedRecords
    ) -> StudentYear:
        """Build the year as of the enrolment; add unusable records to `skipped_records`."""
        members = self._find_members(record)
        row = _as_seen(record.row)
        rule_version = (
            self._calendar.rule_version(row.year_id, row.level_id)
            if row.is_regular
            else None
        )
        graded = _at_level(members, row.level_id)
        subjects = self._find_subjects(row, graded)
        days = self._count_days(members, skipped_records)
        last_lesson = self._lesson_calendars.for_enrolment(row).last_day
        stayed = self._calendar.stayed_to_end(row, last_lesson)
        class_days = len(self._find_class_calendar(row, graded))
        year = YearRecord(
            subjects=self._grades.collect(graded, subjects, skipped_records),
            days=AttendanceDays(
                lesson_days=days.lessons.total,
                absences=days.absences.total,
                justified_absences=days.justified_count,
                days_outside=max(0, class_days - days.lessons.total),
                class_days=class_days,
            ),
            exit_reason=None if stayed else row.ending,
            has_left=row.exit is not None and not (stayed and not row.ending),
            is_closed=row.is_closed,
            by_council=row.by_council,
            retained_by_council=row.retained_by_council,
        )
        result = outcome.decide_outcome(
            rule_version.rules if rule_version else None, year
        )
        return StudentYear(
            row,
            rule_version,
            subjects,
            year,
            result,
            days.lessons,
            days.absences,
            came_late=self._came_late(members),
            is_continued=row.id in self._continued,
            is_repeated=self._continued.get(row.id, False),
            benefit_windows=self._calendar.benefit_windows(row.year_id),
        )

    def _came_late(self, members: Sequence[YearMember]) -> bool:
        """Return whether the student's first class of the year had begun before the entry."""
        first = min((member.row for member in members), key=lambda row: row.entry)
        calendar = self._lesson_calendars.for_enrolment(first)
        return first.entry > self._calendar.first_day(first, calendar.first_day)

    def _find_members(self, record: EnrolmentRecord) -> Sequence[YearMember]:
        """Return the members of the year with their records, the newest one last."""
        row = record.row
        candidates = self._others.get(row.year_key, []) if row.is_regular else []
        if not candidates and row.seen_until is None:  # the usual case
            return [YearMember(row, is_cut=False, record=record)]
        records = {other.row.id: other for other in map(loads, candidates)}
        records.pop(row.id, None)
        members = build_chain(
            row,
            [other.row for other in records.values()],
            is_last=row.id not in self._continued,
        )
        records[row.id] = record
        return [YearMember(*member, records[member.row.id]) for member in members]

    def _find_subjects(
        self, row: EnrolmentRow, members: Sequence[YearMember]
    ) -> Sequence[ClassSubject]:
        """Return the subjects of the class, or else of the newest member that has some.

        Specialised support that is not marked as such hides no subject.
        """
        subjects = self._curriculum.subjects(row.class_id, row.level_id)
        if subjects or len(members) == 1:  # the usual case
            return subjects
        of_members = (
            self._curriculum.subjects(m.row.class_id, row.level_id)
            for m in reversed(members)
        )
        return next(filter(None, of_members), ())

    def _find_class_calendar(
        self, row: EnrolmentRow, members: Sequence[YearMember]
    ) -> LessonCalendar:
        """Return the lessons of the class, or else of the newest member that has subjects."""
        if len(members) > 1 and row.class_id not in self._teaching_classes:
            for member in reversed(members):
                if member.row.class_id in self._teaching_classes:
                    return self._lesson_calendars.for_enrolment(member.row)
        return self._lesson_calendars.for_enrolment(row)

    def _count_days(
        self, members: Sequence[YearMember], skipped_records: SkippedRecords
    ) -> YearDays:
        stays = []
        for member in members:
            parsed = attendance.parse_absences(
                member.record.absences_json, member.row, is_cut=member.is_cut
            )
            stays.append((member.row, parsed.days))
            counts = {"absence_outside_enrolment": parsed.outside_count}
            skipped_records.add(member.row.id, counts)
        return count_year_days(
            stays,
            self._lesson_calendars,
            self._teaching_classes,
            self._calendar.benefit_windows(members[-1].row.year_id),
            self._term_count,
        )


def _at_level(members: Sequence[YearMember], level: int) -> Sequence[YearMember]:
    if len(members) == 1:  # the usual case
        return members
    return [m for m in members if m.row.level_id == level]


def _as_seen(row: EnrolmentRow) -> EnrolmentRow:
    """Return the row as on the last day that the viewer sees: nothing is decided yet."""
    if row.seen_until is None or row.exit is not None and row.exit <= row.seen_until:
        return row  # the usual case
    return row._replace(
        exit=None,
        ending="",
        is_closed=False,
        by_council=False,
        retained_by_council=False,
    )
