"""One subject of a student's year: grades, means and result."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial

from school import models as m
from tests.support.oracle import grading, rounding
from tests.support.oracle.duties import Entries

EXEMPT_MARK = "Disp."
"""Word that stands instead of a grade, in Portuguese."""


@dataclass
class SubjectYear:
    """Figures of one subject; grades in tenths, means as exact grades from 0 to 10."""

    offering: m.Offering
    entries: Entries
    rules: grading.RulesJson | None
    is_year_over: bool
    """True if the year is over for a student who stayed to its end."""
    has_future: bool = True
    """True if the year is open and the student has not left it."""

    @property
    def subject(self) -> m.Subject:
        return self.offering.subject

    @property
    def counts(self) -> bool:
        return self.offering.counts_for_promotion

    @property
    def has_given_concepts(self) -> bool:
        return self.rules is not None and self.rules["assessment"] == "concepts"

    @property
    def tenths(self) -> list[int | None]:
        """Grades by term, from the first."""
        terms = self.entries.terms
        return [None] * len(terms) if self.has_given_concepts else terms

    @property
    def exam(self) -> int | None:
        return None if self.has_given_concepts else self.entries.exam

    @cached_property
    def _judgement(self) -> grading.SubjectJudgement | None:
        if self.rules is None:
            return None
        terms, exam, duty = self.entries
        judge = (
            grading.judge_concepts
            if self.has_given_concepts
            else partial(grading.judge_subject, has_future=self.has_future)
        )
        return judge(self.rules, terms, exam, duty, is_year_over=self.is_year_over)

    @property
    def missing_terms(self) -> list[int]:
        return grading.missing_terms(self.entries.terms, self.entries.duty)

    @property
    def mean(self) -> Fraction | None:
        if self._judgement is None:
            excuse = grading.excuse(*self.entries)
            return None if excuse else grading.mean_of_terms(None, self.tenths)
        return self._judgement.mean

    @property
    def result(self) -> str | None:
        return self._judgement and self._judgement.standing

    @property
    def final(self) -> Fraction | None:
        """Final mean of a decided subject, including the exam if it counts."""
        return self._judgement and self._judgement.final_mean

    @property
    def has_effective_exam(self) -> bool:
        """True if an exam counts."""
        return (
            self.rules is not None
            and self.rules["recovery_rule"] != "none"
            and self.exam is not None
            and self.final is not None
            and self.result != "passed"
            and self.mean < grading.pass_mark(self.rules)
        )

    @property
    def needed_tenths(self) -> int | None:
        return self._judgement and self._judgement.needed_tenths

    @property
    def is_at_risk(self) -> bool:
        """True if the subject puts the year at risk."""
        if self.result == "open":
            if self.has_given_concepts:
                labels = [band["label"] for band in self.rules["scale"]]
                failing = labels[: labels.index(self.rules["pass_concept"])]
                return self.last_concept in failing
            return self.mean is not None and self.mean < grading.pass_mark(self.rules)
        return self.result in ("failed", "recovery")

    @property
    def display_mean(self) -> str | None:
        threshold = grading.pass_mark(self.rules) if self.rules else None
        return rounding.round_for_display(self.mean, 2, threshold)

    @property
    def display_final(self) -> str | None:
        if self.final is None:
            return None
        threshold = (
            grading.recovery_pass_mark(self.rules)
            if self.has_effective_exam
            else grading.pass_mark(self.rules)
        )
        return rounding.round_for_display(self.final, 2, threshold)

    @property
    def last_concept(self) -> str | None:
        """Last given concept, also of an undecided subject."""
        return self._judgement and self._judgement.concept

    @property
    def standing(self) -> str:
        """Result, or how the subject stands without rules."""
        return self.result or grading.excuse(*self.entries) or "open"

    @property
    def owed_terms(self) -> list[int]:
        return grading.owed_terms(self.entries.terms, self.entries.duty) or []

    @property
    def concept(self) -> str | None:
        """Concept that decides the year; an undecided subject has none."""
        if self._judgement is not None and self._judgement.concept is not None:
            is_pending = self.result in ("open", "recovery")
            return None if is_pending else self._judgement.concept
        if self.rules is None or self.final is None:
            return None
        return grading.concept(self.rules, self.final)

    def term_cell(self, number: int) -> str | None:
        """Return a term as a report shows it: grade, given concept, or the word for an exemption."""
        terms, _exam, duty = self.entries
        if number > len(terms):
            return None
        if number in duty.exempt_terms:
            return EXEMPT_MARK
        return self._term_concept(terms[number - 1]) or self._format(terms[number - 1])

    def _term_concept(self, entry: object | None) -> str | None:
        """Return the concept of a term's grade in numbers; None without a scale or a grade."""
        if self.rules is None or not isinstance(entry, int | Fraction):
            return None
        return grading.concept(self.rules, Fraction(entry) / 10)

    @property
    def exam_cell(self) -> str | None:
        return self._format(self.entries.exam)

    @property
    def result_cell(self) -> str | None:
        """Return the result of the year as lists of results show it."""
        if grading.excuse(*self.entries) == "exempt" and self.result in (
            "exempt",
            None,
        ):
            return EXEMPT_MARK
        return self.concept or self.display_final

    def _format(self, entry: object | None) -> str | None:
        return entry if isinstance(entry, str) else rounding.format_grade(entry)
