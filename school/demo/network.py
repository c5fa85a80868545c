"""Rows of the demo network, generated class by class.

Random generators have fixed seeds, so the same size gives the same rows on every machine.
The irregularities are intended: some classes are multi-grade, some students change class
(and perhaps school) in mid-year, some grades are missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from random import Random
from typing import Any

from school.collation import sort_key
from school.demo import details
from school.demo.names import random_name
from school.models import Enrolment, SchoolClass

YEAR = 2026
CLASS_SIZE = 25
CLASSES_PER_SCHOOL = 20
TERMS = 4
DAYS_PER_TERM = 50
LEVELS = [f"{n}º ano" for n in range(1, 10)]
SUBJECTS = [
    "Língua Portuguesa",
    "Matemática",
    "Ciências",
    "História",
    "Geografia",
    "Arte",
    "Educação Física",
    "Língua Inglesa",
    "Ensino Religioso",
    "Computação",
]
SHIFTS = list(SchoolClass.Shift.values)[:2]
FIRST_DAY = date(YEAR, 2, 9)
RECESS = (date(YEAR, 7, 4), date(YEAR, 7, 20))


def school_days() -> list[date]:
    """Return the 200 school days: Mondays to Fridays outside the July recess."""
    days: list[date] = []
    day = FIRST_DAY
    while len(days) < TERMS * DAYS_PER_TERM:
        if day.weekday() < 5 and not RECESS[0] <= day < RECESS[1]:
            days.append(day)
        day += timedelta(days=1)
    return days


@dataclass(frozen=True)
class DemoEnrolment:
    """Enrolment of a student in a class, from the first to the last term."""

    id: int
    student: int
    class_number: int
    diary_number: int
    first_term: int
    last_term: int


@dataclass
class DemoNetwork:
    """Generator of a network's rows; ids start at 1 in the order of generation."""

    student_count: int
    days: list[date] = field(default_factory=school_days)

    @cached_property
    def class_count(self) -> int:
        return -(-self.student_count // CLASS_SIZE)

    @cached_property
    def school_count(self) -> int:
        return max(3, self.class_count // CLASSES_PER_SCHOOL)

    def school_of(self, class_number: int) -> int:
        """Return the school of a class; each school has about as many consecutive classes."""
        return (class_number - 1) * self.school_count // self.class_count + 1

    def levels_of(self, class_number: int) -> list[int]:
        """Return the levels of a class; some of every tenth class are multi-grade, with two."""
        level = (class_number - 1) // 2 % len(LEVELS) + 1
        if class_number % 10 == 0 and level < len(LEVELS):
            return [level, level + 1]
        return [level]

    def class_row(self, number: int) -> tuple[object, ...]:
        levels = "/".join(f"{level}º" for level in self.levels_of(number))
        name = f"{levels} ano, turma {number}"
        shift = SHIFTS[number % 2]
        return number, self.school_of(number), 1, name, shift, sort_key(name)

    def _student_row(self, number: int) -> tuple[object, ...]:
        random = Random(f"student {number}")
        level = self.levels_of(self._first_class(number))[0]
        birth_date = date(YEAR - 6 - level, 3, 31) + timedelta(
            days=random.randrange(365)
        )
        name = random_name(random)
        return (
            number,
            1,
            f"{YEAR}{number:07d}",
            name,
            birth_date,
            *details.student_names(random, number, name),
            *details.personal_details(random, number),
        )

    def enrolments(self, class_number: int) -> Iterator[DemoEnrolment]:
        """Yield the enrolments of a class: its own students, then mid-year arrivals."""
        first_id = self._first_enrolment_ids[class_number - 1]
        own_students = self._own_students(class_number)
        arrivals = self._arrivals(class_number)
        for index, student in enumerate([*own_students, *arrivals]):
            yield DemoEnrolment(
                id=first_id + index,
                student=student,
                class_number=class_number,
                diary_number=index + 1,
                first_term=1 if index < len(own_students) else TERMS // 2 + 1,
                last_term=TERMS // 2
                if index < len(own_students) and self._changes_class(student)
                else TERMS,
            )

    def enrolment_row(self, enrolment: DemoEnrolment) -> tuple[object, ...]:
        levels = self.levels_of(enrolment.class_number)
        entry_date = self.days[(enrolment.first_term - 1) * DAYS_PER_TERM]
        leaves_early = enrolment.last_term < TERMS
        exit_date = (
            self.days[enrolment.last_term * DAYS_PER_TERM] if leaves_early else None
        )
        # A student who arrives in mid-year stays in the same level.
        level = levels[
            enrolment.diary_number % len(levels) if enrolment.first_term == 1 else 0
        ]
        return (
            enrolment.id,
            enrolment.student,
            enrolment.class_number,
            level,
            enrolment.diary_number,
            entry_date,
            exit_date,
            self._ending(enrolment.class_number) if leaves_early else "",
            False,
        )

    def _ending(self, class_number: int) -> str:
        """Return why students leave the class; they always move to the next one."""
        school, next_school = (
            self.school_of(class_number),
            self.school_of(class_number + 1),
        )
        if school == next_school:
            return Enrolment.Ending.CLASS_CHANGE.value
        return Enrolment.Ending.TRANSFERRED.value

    def grade_rows(
        self, enrolment: DemoEnrolment
    ) -> Iterator[tuple[int, int, int, int | None]]:
        """Yield rows without ids: (enrolment, offering, term, tenths)."""
        random = Random(f"grades {enrolment.student} {enrolment.class_number}")
        ability = random.gauss(66, 12)
        first_offering = (enrolment.class_number - 1) * len(SUBJECTS) + 1
        for offering in range(first_offering, first_offering + len(SUBJECTS)):
            for term in range(enrolment.first_term, enrolment.last_term + 1):
                score = round(ability + 30 * (random.random() - random.random()))
                tenths = None if random.random() < 0.004 else max(0, min(100, score))
                yield enrolment.id, offering, term, tenths

    def recovery_rows(
        self, enrolment: DemoEnrolment, rows: list[tuple[int, int, int, int | None]]
    ) -> Iterator[tuple[int, int, int]]:
        """Yield (enrolment, offering, tenths); `rows` are the enrolment's grade rows."""
        if enrolment.last_term < TERMS:
            return iter(())
        years: dict[int, list[int | None]] = {}
        for _enrolment, offering, _term, tenths in self._earlier_rows(enrolment) + rows:
            years.setdefault(offering % len(SUBJECTS), []).append(tenths)
        offerings = {offering % len(SUBJECTS): offering for _, offering, *_ in rows}
        year_grades = (
            (offerings[subject], grades) for subject, grades in years.items()
        )
        return details.recovery_rows(enrolment.student, enrolment.id, year_grades)

    def _earlier_rows(
        self, enrolment: DemoEnrolment
    ) -> list[tuple[int, int, int, int | None]]:
        """Return the grade rows of a mid-year arrival from the previous class."""
        if enrolment.first_term == 1:
            return []
        previous_class = enrolment.class_number - 1
        last_term = enrolment.first_term - 1
        previous = replace(
            enrolment, class_number=previous_class, first_term=1, last_term=last_term
        )
        return list(self.grade_rows(previous))

    def prior_years(self, class_number: int) -> Iterator[Any]:
        """Yield the years that the class's own students spent in other networks."""
        levels = LEVELS[: self.levels_of(class_number)[0]]
        for student in filter(
            details.has_prior_years, self._own_students(class_number)
        ):
            yield from details.prior_years(student, levels, YEAR)

    def absence_rows(self, enrolment: DemoEnrolment) -> Iterator[tuple[object, ...]]:
        """Yield rows without ids: (enrolment, session, is_justified)."""
        random = Random(f"absences {enrolment.student} {enrolment.class_number}")
        first_day = (enrolment.first_term - 1) * DAYS_PER_TERM
        day_count = enrolment.last_term * DAYS_PER_TERM - first_day
        absence_rate = min(0.6, random.expovariate(1 / 0.085))
        absent_days = random.sample(range(day_count), round(day_count * absence_rate))
        first_session = (enrolment.class_number - 1) * len(self.days) + first_day + 1
        for day in sorted(absent_days):
            yield enrolment.id, first_session + day, random.random() < 0.3

    def session_rows(self, class_number: int) -> Iterator[tuple[object, ...]]:
        first = (class_number - 1) * len(self.days) + 1
        for index, day in enumerate(self.days):
            yield first + index, class_number, day, index // DAYS_PER_TERM + 1

    def student_rows(self, class_number: int) -> Iterator[tuple[object, ...]]:
        return map(self._student_row, self._own_students(class_number))

    def _first_class(self, student: int) -> int:
        return (student - 1) // CLASS_SIZE + 1

    def _own_students(self, class_number: int) -> range:
        first = (class_number - 1) * CLASS_SIZE + 1
        return range(first, min(first + CLASS_SIZE, self.student_count + 1))

    def _changes_class(self, student: int) -> bool:
        """Return whether the student moves to the next class: one in fifty does."""
        return student % 50 == 17 and self._first_class(student) < self.class_count

    def _arrivals(self, class_number: int) -> list[int]:
        previous_students = (
            self._own_students(class_number - 1) if class_number > 1 else ()
        )
        return [
            student for student in previous_students if self._changes_class(student)
        ]

    @cached_property
    def _first_enrolment_ids(self) -> list[int]:
        first_ids, next_id = [], 1
        for number in range(1, self.class_count + 1):
            first_ids.append(next_id)
            next_id += len(self._own_students(number)) + len(self._arrivals(number))
        return first_ids
