"""Grades of a subject in one year, and the result that the rules give them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Standing(StrEnum):
    OPEN = "open"
    """Some term grades are missing."""
    PASSED = "passed"
    RECOVERY = "recovery"
    """The mean of the terms does not pass, and the exam has no grade yet."""
    PASSED_AFTER_RECOVERY = "passed_after_recovery"
    FAILED = "failed"
    EXEMPT = "exempt"
    """The student is exempt from every term that would be due."""
    NOT_TAKEN = "not_taken"
    """The subject is optional and has no grade."""
    NOT_GRADED = "not_graded"
    """The rules have no grades."""


UNCOUNTED_STANDINGS = frozenset(
    {Standing.EXEMPT, Standing.NOT_TAKEN, Standing.NOT_GRADED}
)
"""Standings that say nothing about the year."""


@dataclass(frozen=True, slots=True)
class SubjectGrades:
    """Grades of one subject in tenths, or its given concepts; None for a missing one."""

    terms: tuple[int | Fraction | None, ...]
    exam: int | None = None
    recoveries: tuple[int | None, ...] = ()
    """Grade of each term's own recovery; empty if there is none at all."""
    concepts: tuple[str | None, ...] = ()
    """Given concept of each term; empty unless the rules have given concepts."""
    exam_concept: str | None = None
    exempt_terms: frozenset[int] = frozenset()
    """Terms that the student is exempt from; they have no grade."""
    outside_terms: frozenset[int] = frozenset()
    """Terms wholly outside the student's enrolments; a grade of one counts all the same."""
    counts_for_promotion: bool = True
    is_optional: bool = False

    @property
    def entries(self) -> Sequence[int | Fraction | str | None]:
        """Grades or given concepts of the terms."""
        return self.concepts or self.terms

    @property
    def is_empty(self) -> bool:
        """True if no term has a grade and there is no exam."""
        return (
            self.exam is None
            and self.exam_concept is None
            and not any(entry is not None for entry in self.entries)
        )

    @property
    def due_terms(self) -> Sequence[int]:
        """Numbers of the terms that make the year's result; empty if the student is exempt.

        A student who was enrolled in no term owes them all: nobody invents a result.
        """
        due = [
            n
            for n, entry in enumerate(self.entries, 1)
            if n not in self.exempt_terms
            and (entry is not None or n not in self.outside_terms)
        ]
        is_exempt = bool(self.exempt_terms)
        return due if due or is_exempt else range(1, len(self.entries) + 1)

    @property
    def missing_terms(self) -> Sequence[int]:
        """Numbers of the due terms without a grade."""
        if None not in self.entries:  # the usual case
            return ()
        return [n for n in self.due_terms if self.entries[n - 1] is None]


@dataclass(frozen=True, slots=True)
class SubjectResult:
    standing: Standing
    mean: Fraction | None
    """Rounded mean of all terms, or the exact mean so far while some grades are missing."""
    final_mean: Fraction | None
    """Final grade of the year; None while open or before the exam."""
    needed_grade: int | None
    """Lowest grade in tenths that still passes, for the exam or for each missing term.

    Above 100 if it cannot be reached; None if no grade in numbers is pending.
    """
    concept: str | None = None
    """Given concept that decides the year, or the last one so far."""
    has_future: bool = True
    """False if no grade is to come, because the year is closed or the student has left."""
