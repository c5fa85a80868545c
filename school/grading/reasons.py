"""Sentences that tell people why a year has its situation."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from fractions import Fraction

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from school.grading.explanations import uses_exam
from school.grading.missing_grades import describe_missing_grades
from school.grading.number_format import format_prose
from school.grading.outcome import Outcome, ReasonCode, Situation, YearRecord
from school.grading.rules import Rules
from school.grading.sentences import describe_attendance, join_words
from school.grading.subjects import UNCOUNTED_STANDINGS, Standing

PASSED_STANDINGS = {Standing.PASSED, Standing.PASSED_AFTER_RECOVERY}
NO_TERMS: frozenset[int] = frozenset()


def full_explanation(
    rules: Rules | None,
    year: YearRecord,
    outcome: Outcome,
    subject_names: Mapping[int, str],
    ended_terms: Set[int] = NO_TERMS,
) -> str:
    """Return all reasons for and against the situation as sentences.

    `ended_terms` are the terms of an open year that are over: their missing grades are
    late. A student who died has no reasons.
    """
    if outcome.situation is Situation.DECEASED:
        return ""
    reasons = YearReasons(rules, year, outcome, subject_names, ended_terms)
    return " ".join(reasons.sentences())


def list_reason_codes(outcome: Outcome) -> list[ReasonCode]:
    """Return the codes of the reasons that `full_explanation` words, in the enum's order."""
    if not outcome.reasons or outcome.situation is Situation.DECEASED:
        return []
    codes = {reason.code for reason in outcome.reasons}
    return [code for code in ReasonCode if code in codes]


@dataclass(frozen=True, slots=True)
class YearReasons:
    """A year with its rules, outcome and subject names."""

    rules: Rules | None
    year: YearRecord
    outcome: Outcome
    subject_names: Mapping[int, str]
    ended_terms: Set[int] = NO_TERMS

    def sentences(self) -> Iterator[str]:
        """Yield the sentences: subjects first, then decisions, days and what is not recorded."""
        ids_by_code: dict[str, list[int]] = {}
        for reason in self.outcome.reasons:
            ids = ids_by_code.setdefault(reason.code, [])
            if reason.subject_id is not None:
                ids.append(reason.subject_id)
        yield from self._describe_passed()
        yield from self._describe_failed(ids_by_code.get(ReasonCode.SUBJECT_FAILED, []))
        yield from self._describe_recovery(
            ids_by_code.get(ReasonCode.SUBJECT_IN_RECOVERY, [])
        )
        if missing_ids := ids_by_code.get(ReasonCode.GRADES_MISSING):
            yield from describe_missing_grades(
                self.rules, self.year, missing_ids, self.subject_names, self.ended_terms
            )
        yield from self._describe_uncounted(ids_by_code)
        yield from self._describe_decision(ids_by_code)
        yield from self._describe_days(ids_by_code)
        if ReasonCode.NO_RULES in ids_by_code:
            yield _("There are no grading rules for this school year and grade level.")
        if ReasonCode.NO_SUBJECTS in ids_by_code:
            yield _("The class has no subjects.")

    def _describe_passed(self) -> Iterator[str]:
        """Yield the number of passed subjects, if there is one."""
        standings = [
            result.standing
            for result in self.outcome.subjects.values()
            if result.standing not in UNCOUNTED_STANDINGS
        ]
        count, total = sum(s in PASSED_STANDINGS for s in standings), len(standings)
        if not count:
            return
        if count < total:
            yield _("Passed {count} of {total} subjects.").format(
                count=count, total=total
            )
        else:
            yield ngettext(
                "Passed the only subject.", "Passed all {count} subjects.", count
            ).format(count=count)

    def _describe_failed(self, subject_ids: Iterable[int]) -> Iterator[str]:
        """Yield a sentence for each pass mark that subjects have not reached."""
        for needed, ids in self._group_by_mark(subject_ids).items():
            if len(ids) == 1:
                yield _(
                    "Did not pass {subject}: got {grade} and needed {mark}."
                ).format(
                    subject=self.subject_names[ids[0]],
                    grade=self._final_grade(ids[0]),
                    mark=needed,
                )
            else:
                yield _("Did not pass {subjects}; the minimum is {mark}.").format(
                    subjects=join_words(
                        [
                            f"{self.subject_names[id]} ({self._final_grade(id)})"
                            for id in ids
                        ]
                    ),
                    mark=needed,
                )

    def _describe_recovery(self, subject_ids: list[int]) -> Iterator[str]:
        if not subject_ids:
            return
        mark = self._pass_mark(subject_ids[0])
        if len(subject_ids) == 1:
            yield self._choose_recovery_text().format(
                subject=self.subject_names[subject_ids[0]],
                grade=self._final_grade(subject_ids[0]),
                mark=mark,
            )
            return
        text = (
            _("Will take the recovery exams of {subjects}; the minimum is {mark}.")
            if not self.year.is_gone
            else _("Was due for the recovery exams of {subjects}; the minimum is {mark}.")
        )  # fmt: skip
        items = [
            f"{self.subject_names[id]} ({self._final_grade(id)})" for id in subject_ids
        ]
        yield text.format(subjects=join_words(items), mark=mark)

    def _choose_recovery_text(self) -> str:
        """Return the sentence on one recovery exam; who has left will not take it."""
        has_left = self.year.is_gone
        if self.rules is not None and self.rules.assessment == "concepts":
            return (
                _("Was due for the recovery exam of {subject}: the year's concept was {grade} and the minimum is {mark}.")
                if has_left
                else _("Will take the recovery exam of {subject}: the year's concept was {grade} and the minimum is {mark}.")
            )  # fmt: skip
        return (
            _("Was due for the recovery exam of {subject}: the year's mean was {grade} and the minimum is {mark}.")
            if has_left
            else _("Will take the recovery exam of {subject}: the year's mean was {grade} and the minimum is {mark}.")
        )  # fmt: skip

    def _describe_uncounted(
        self, ids_by_code: Mapping[str, list[int]]
    ) -> Iterator[str]:
        if ids := ids_by_code.get(ReasonCode.SUBJECT_EXEMPT):
            yield _("Exempt from {subjects}.").format(subjects=self._join_names(ids))
        if ids := ids_by_code.get(ReasonCode.SUBJECT_NOT_COUNTED):
            yield ngettext(
                "{subjects} does not count for moving up.",
                "{subjects} do not count for moving up.",
                len(ids),
            ).format(subjects=self._join_names(ids))

    def _describe_decision(self, ids_by_code: Mapping[str, list[int]]) -> Iterator[str]:
        if ReasonCode.APPROVED_BY_COUNCIL in ids_by_code:
            yield _("The class council decided to approve.")
        if ReasonCode.RETAINED_BY_COUNCIL in ids_by_code:
            yield _("The class council decided on retention.")
        if ReasonCode.DEPENDENCY in ids_by_code and self.rules is not None:
            failed_ids = ids_by_code.get(ReasonCode.SUBJECT_FAILED, [])
            yield ngettext(
                "Moves up owing {count} subject: {subjects} (the network allows up to {most}).",
                "Moves up owing {count} subjects: {subjects} (the network allows up to {most}).",
                len(failed_ids),
            ).format(
                count=len(failed_ids),
                subjects=self._join_names(failed_ids),
                most=self.rules.dependencies,
            )
        has_concepts = self.rules is not None and self.rules.has_concepts
        if ReasonCode.NO_RETENTION in ids_by_code:
            yield (
                _("Promoted: at this stage neither concepts nor absences retain.")
                if has_concepts
                else _("Promoted: at this stage neither grades nor absences retain.")
            )
        elif (
            ReasonCode.CONTINUOUS_PROGRESSION in ids_by_code
            or self.outcome.situation is Situation.PROMOTED
        ):
            yield (
                _("Promoted: at this stage concepts do not retain.")
                if has_concepts
                else _("Promoted: at this stage grades do not retain.")
            )

    def _describe_days(self, ids_by_code: Mapping[str, list[int]]) -> Iterator[str]:
        days = self.year.days
        if self.rules is None or self.outcome.attendance is None:
            return
        yield describe_attendance(
            self.rules,
            days,
            self.outcome.attendance,
            is_over=self.year.is_closed or self.year.is_gone,
        )
        if ReasonCode.FEW_DAYS in ids_by_code:
            yield _(
                "The class had {given} of the {planned} school days that the year must have (LDB, art. 24, I)."
            ).format(given=days.class_days, planned=self.rules.year_days)

    def _group_by_mark(self, subject_ids: Iterable[int]) -> dict[str, list[int]]:
        """Group failed subjects by the pass mark that they were compared with."""
        groups: dict[str, list[int]] = {}
        for id in subject_ids:
            groups.setdefault(self._pass_mark(id), []).append(id)
        return groups

    def _pass_mark(self, subject_id: int) -> str:
        """Return the mark or concept that the subject was compared with."""
        if self.rules is None:
            return ""
        if self.rules.assessment == "concepts":
            return self.rules.pass_concept or ""
        arithmetic = self.rules.grade_arithmetic
        is_by_exam = uses_exam(
            self.rules,
            self.year.subjects[subject_id],
            self.outcome.subjects[subject_id],
        )
        return format_prose(
            arithmetic.recovery_pass_mark if is_by_exam else arithmetic.pass_mark
        )

    def _final_grade(self, subject_id: int) -> str:
        """Return the mean or concept that was compared with the pass mark."""
        result = self.outcome.subjects[subject_id]
        if result.concept is not None:
            return result.concept
        mean = result.mean if result.final_mean is None else result.final_mean
        return format_prose(mean or Fraction(0))

    def _join_names(self, subject_ids: Iterable[int]) -> str:
        return join_words([self.subject_names[id] for id in subject_ids])
