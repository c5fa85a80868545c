"""Why a year ends as it does, and what would still save it, in words."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from school.grading import attendance, explanations, subjects
from school.grading.attendance import Attendance
from school.grading.outcome import Outcome, Situation, Why, Year
from school.grading.rules import Rules
from school.grading.subjects import HIGHEST, Standing

PASSED = {Standing.PASSED, Standing.PASSED_AFTER_RECOVERY}
SAFE = {
    Situation.APPROVED,
    Situation.APPROVED_AFTER_RECOVERY,
    Situation.APPROVED_BY_COUNCIL,
    Situation.APPROVED_WITH_DEPENDENCY,
}


def outcome(
    rules: Rules | None, year: Year, outcome: Outcome, names: Mapping[int, str]
) -> str:
    """All reasons of the year, subjects of one kind together, by the `names` of their ids."""
    return _reasons(_Told(rules, year, outcome, names))


def _reasons(told: "_Told") -> str:
    of_code: dict[str, list[int]] = {}
    for reason in told.outcome.reasons:
        keys = of_code.setdefault(reason.code, [])
        if reason.subject is not None:
            keys.append(reason.subject)
    return "; ".join(told.reason(code, keys) for code, keys in of_code.items())


def account(
    rules: Rules | None, year: Year, outcome: Outcome, names: Mapping[int, str]
) -> str:
    """The reasons, and beside them what speaks for the student: the year's whole account."""
    told = _Told(rules, year, outcome, names)
    against = _reasons(told)
    return "; ".join(filter(None, [told.passed(), against, told.enough_attendance()]))


def saving(
    rules: Rules | None, year: Year, outcome: Outcome, names: Mapping[int, str]
) -> str:
    """What the year still needs to pass, or that nothing can save it.

    Empty where it is decided well, where somebody left, and without rules.
    """
    if rules is None or year.ending is not None or outcome.situation in SAFE:
        return ""
    return "; ".join(_Told(rules, year, outcome, names).saving(rules))


@dataclass(frozen=True, slots=True)
class _Told:
    """A year with what it takes to tell of it."""

    rules: Rules | None
    year: Year
    outcome: Outcome
    names: Mapping[int, str]

    def passed(self) -> str:
        """In how many subjects the student passed, if in any."""
        standings = [result.standing for result in self.outcome.subjects.values()]
        count = sum(standing in PASSED for standing in standings)
        if not count:
            return ""
        if count == len(standings):
            text = ngettext(
                "passed in the one subject", "passed in all {count} subjects", count
            )
        else:
            text = ngettext(
                "passed in {count} subject", "passed in {count} subjects", count
            )
        return text.format(count=count)

    def enough_attendance(self) -> str:
        """The sum of an attendance that gives no reason against the student."""
        days = self.outcome.attendance
        return self._attendance() if days is not None and days.is_enough else ""

    def reason(self, code: str, keys: list[int]) -> str:
        match code:
            case Why.SUBJECT_FAILED:
                return _("failed in {subjects}").format(subjects=self._compared(keys))
            case Why.SUBJECT_IN_RECOVERY:
                return _("in recovery in {subjects}").format(
                    subjects=self._compared(keys)
                )
            case Why.GRADES_MISSING:
                return _("grades missing in {subjects}").format(
                    subjects=self._missing(keys)
                )
        return self._reason_of_the_year(code)

    def _reason_of_the_year(self, code: str) -> str:
        match code:
            case Why.ATTENDANCE_SHORT:
                return self._attendance()
            case Why.DEPENDENCY:
                return self._dependency()
            case Why.APPROVED_BY_COUNCIL:
                return _("approved by the class council")
            case Why.NO_RULES:
                return _("no rules are set for this year and level")
            case Why.NO_DAYS:
                return _("no lesson day recorded yet")
        return _("the class offers no subject")

    def saving(self, rules: Rules) -> Iterator[str]:
        days = self.outcome.attendance
        if days is not None and attendance.is_lost(days, is_closed=self.year.is_closed):
            yield self._of_lost_attendance(days)
            return
        marks = self.year.subjects
        results = self.outcome.subjects
        lost = [k for k, r in results.items() if subjects.is_lost(rules, marks[k], r)]
        for key, result in results.items():
            # An exam must be sat even where any grade of it will do.
            is_due = result.needed or result.standing is Standing.RECOVERY
            if key not in lost and is_due:
                needed = explanations.needed(rules, marks[key], result)
                if (result.needed or 0) > HIGHEST:
                    needed = _("only by the recovery exam")
                yield f"{self.names[key]}: {needed}"
        if lost and not self.year.by_council:
            yield self._of_lost(lost, rules)
        if days is not None and not self.year.is_closed:
            yield _("further absences allowed: {count}").format(
                count=days.absences_left
            )

    def _of_lost(self, lost: list[int], rules: Rules) -> str:
        named = self._named(lost)
        if len(lost) <= rules.dependencies:
            return _("as dependency: {subjects}").format(subjects=named)
        return _("only by the class council: {subjects}").format(subjects=named)

    def _attendance(self) -> str:
        if self.rules is None or self.outcome.attendance is None:
            return ""
        return explanations.attendance(
            self.rules, self.year.days, self.outcome.attendance
        )

    def _dependency(self) -> str:
        results = self.outcome.subjects.values()
        failed = [r for r in results if r.standing is Standing.FAILED]
        return _("with dependency (failed subjects: {count}; allowed: {most})").format(
            count=len(failed), most=self.rules.dependencies if self.rules else 0
        )

    def _of_lost_attendance(self, days: Attendance) -> str:
        if days.absences_left < 0:
            return _(
                "nothing can save the year: absences above the limit: {count}"
            ).format(count=-days.absences_left)
        # The year ended with fewer days than planned, of which too many were missed.
        return _("nothing can save the year: {attendance}").format(
            attendance=self._attendance()
        )

    def _compared(self, keys: Iterable[int]) -> str:
        """Each subject with what decided it: "Mathematics (5.95 < 6.0)"."""
        return ", ".join(f"{self.names[key]} ({self._decided_by(key)})" for key in keys)

    def _decided_by(self, key: int) -> str:
        marks, result = self.year.subjects[key], self.outcome.subjects[key]
        return explanations.last(self.rules, marks, result) if self.rules else ""

    def _missing(self, keys: Iterable[int]) -> str:
        term = explanations.TERM_KINDS[self.rules.term_kind if self.rules else "term"]
        return ", ".join(
            f"{self.names[key]} ({term} {explanations.missing(self.year.subjects[key])})"
            for key in keys
        )

    def _named(self, keys: Iterable[int]) -> str:
        return ", ".join(self.names[key] for key in keys)
