"""Text explanations of a year's outcome and of what is still needed to pass."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from school.grading import attendance, explanations, subjects
from school.grading.attendance import AttendanceResult
from school.grading.outcome import (
    PASSED_SITUATIONS,
    Outcome,
    ReasonCode,
    Situation,
    YearRecord,
)
from school.grading.reason_labels import SUBJECT_REASONS, YEAR_REASONS
from school.grading.rules import Rules
from school.grading.subjects import MAX_TENTHS, UNCOUNTED_STANDINGS, Standing

PASSED_STANDINGS = {Standing.PASSED, Standing.PASSED_AFTER_RECOVERY}


def explain_outcome(
    rules: Rules | None,
    year: YearRecord,
    outcome: Outcome,
    subject_names: Mapping[int, str],
) -> str:
    """Return all reasons of the year as text, with subjects grouped by reason."""
    return _explain_reasons(_YearExplanation(rules, year, outcome, subject_names))


def _explain_reasons(explanation: "_YearExplanation") -> str:
    ids_by_code: dict[str, list[int]] = {}
    for reason in explanation.outcome.reasons:
        subject_ids = ids_by_code.setdefault(reason.code, [])
        if reason.subject_id is not None:
            subject_ids.append(reason.subject_id)
    return "; ".join(
        explanation.explain_reason(code, keys) for code, keys in ids_by_code.items()
    )


def full_explanation(
    rules: Rules | None,
    year: YearRecord,
    outcome: Outcome,
    subject_names: Mapping[int, str],
) -> str:
    """Return all reasons together with passed subjects and sufficient attendance."""
    explanation = _YearExplanation(rules, year, outcome, subject_names)
    reasons = _explain_reasons(explanation)
    return "; ".join(
        filter(
            None,
            [
                explanation.explain_passed(),
                reasons,
                explanation.explain_sufficient_attendance(),
            ],
        )
    )


def remedies(
    rules: Rules | None,
    year: YearRecord,
    outcome: Outcome,
    subject_names: Mapping[int, str],
) -> str:
    """Return what the year still needs to pass, or that it can no longer be passed.

    Empty if the year is approved or closed, if the student left, and without rules.
    """
    if (
        rules is None
        or not year.has_future
        or outcome.situation in PASSED_SITUATIONS
        or outcome.situation is Situation.FAILED_BY_COUNCIL
    ):
        return ""
    return "; ".join(
        _YearExplanation(rules, year, outcome, subject_names).remedies(rules)
    )


@dataclass(frozen=True, slots=True)
class _YearExplanation:
    """A year with its rules, outcome and subject names."""

    rules: Rules | None
    year: YearRecord
    outcome: Outcome
    subject_names: Mapping[int, str]

    def explain_passed(self) -> str:
        """Return the number of passed subjects as text; empty if there is none."""
        standings = [
            result.standing
            for result in self.outcome.subjects.values()
            if result.standing not in UNCOUNTED_STANDINGS
        ]
        count = sum(standing in PASSED_STANDINGS for standing in standings)
        if not count:
            return ""
        if count == len(standings):
            text = ngettext(
                "passed in the only subject", "passed in all {count} subjects", count
            )
        else:
            text = ngettext(
                "passed in {count} subject", "passed in {count} subjects", count
            )
        return text.format(count=count)

    def explain_sufficient_attendance(self) -> str:
        """Return the attendance calculation if attendance is sufficient, else an empty string."""
        attendance_result = self.outcome.attendance
        return (
            self._explain_attendance()
            if attendance_result is not None and attendance_result.is_enough
            else ""
        )

    def explain_reason(self, code: str, subject_ids: list[int]) -> str:
        match code:
            case ReasonCode.SUBJECT_FAILED:
                return _("failed in {subjects}").format(
                    subjects=self._list_comparisons(subject_ids)
                )
            case ReasonCode.SUBJECT_IN_RECOVERY:
                return _("in recovery in {subjects}").format(
                    subjects=self._list_comparisons(subject_ids)
                )
            case ReasonCode.GRADES_MISSING:
                return _("grades missing in {subjects}").format(
                    subjects=self._list_missing_terms(subject_ids)
                )
        if code in SUBJECT_REASONS:
            return str(SUBJECT_REASONS[code]).format(
                subjects=self._join_names(subject_ids)
            )
        return self._explain_year_reason(code)

    def _explain_year_reason(self, code: str) -> str:
        match code:
            case ReasonCode.ATTENDANCE_SHORT:
                return self._explain_attendance()
            case ReasonCode.DEPENDENCY:
                return self._explain_dependency()
            case ReasonCode.FEW_DAYS:
                return self._explain_few_days()
        return str(YEAR_REASONS[code])

    def remedies(self, rules: Rules) -> Iterator[str]:
        attendance_result = self.outcome.attendance
        if (
            attendance_result is not None
            and rules.retention != "none"
            and attendance.is_attendance_unrecoverable(
                attendance_result, is_closed=False
            )
        ):
            yield self._explain_lost_attendance(attendance_result)
            return
        grades = self.year.subjects
        results = {
            key: result
            for key, result in self.outcome.subjects.items()
            if grades[key].counts_for_promotion
            and rules.retention == "grades_and_attendance"
        }
        unrecoverable = [
            k
            for k, r in results.items()
            if subjects.is_subject_unrecoverable(rules, grades[k], r)
        ]
        for subject_id, result in results.items():
            # An exam must be taken even if any grade in it passes.
            is_due = result.needed_grade or result.standing is Standing.RECOVERY
            if subject_id not in unrecoverable and is_due:
                needed_text = explanations.explain_needed_grade(
                    rules, grades[subject_id], result
                )
                if (result.needed_grade or 0) > MAX_TENTHS:
                    needed_text = _("only by the recovery exam")
                yield f"{self.subject_names[subject_id]}: {needed_text}"
        if unrecoverable and not self.year.by_council:
            yield self._explain_unrecoverable(unrecoverable, rules)
        if attendance_result is not None and rules.retention != "none":
            yield _("further absences allowed: {count}").format(
                count=attendance_result.absences_left
            )

    def _explain_unrecoverable(self, subject_ids: list[int], rules: Rules) -> str:
        names = self._join_names(subject_ids)
        if len(subject_ids) <= rules.dependencies:
            return _("as dependency: {subjects}").format(subjects=names)
        return _("only by the class council: {subjects}").format(subjects=names)

    def _explain_attendance(self) -> str:
        if self.rules is None or self.outcome.attendance is None:
            return ""
        return explanations.explain_attendance(
            self.rules, self.year.days, self.outcome.attendance
        )

    def _explain_dependency(self) -> str:
        results = self.outcome.subjects.values()
        failed_results = [r for r in results if r.standing is Standing.FAILED]
        return _("with dependency (failed subjects: {count}; allowed: {most})").format(
            count=len(failed_results), most=self.rules.dependencies if self.rules else 0
        )

    def _explain_few_days(self) -> str:
        return _(
            "the class had {given} of the {planned} lesson days of the year (LDB, art. 24 I)"
        ).format(
            given=self.year.days.class_days,
            planned=self.rules.year_days if self.rules else 0,
        )

    def _explain_lost_attendance(self, attendance_result: AttendanceResult) -> str:
        return _(
            "the year can no longer be passed: absences above the limit: {count}"
        ).format(count=-(attendance_result.absences_left or 0))

    def _list_comparisons(self, subject_ids: Iterable[int]) -> str:
        """List the subjects with the deciding comparison: "Mathematics (5.95 < 6.0)"."""
        return ", ".join(
            f"{self.subject_names[key]} ({self._final_comparison(key)})"
            for key in subject_ids
        )

    def _final_comparison(self, subject_id: int) -> str:
        grades, result = (
            self.year.subjects[subject_id],
            self.outcome.subjects[subject_id],
        )
        return (
            explanations.format_final_comparison(self.rules, grades, result)
            if self.rules
            else ""
        )

    def _list_missing_terms(self, subject_ids: Iterable[int]) -> str:
        term = explanations.TERM_KIND_LABELS[
            self.rules.term_kind if self.rules else "term"
        ]
        return ", ".join(
            f"{self.subject_names[key]} ({term} {explanations.format_missing_terms(self.year.subjects[key])})"
            for key in subject_ids
        )

    def _join_names(self, subject_ids: Iterable[int]) -> str:
        return ", ".join(self.subject_names[key] for key in subject_ids)
