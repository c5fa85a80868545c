"""Texts of reasons that need no figure."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from school.grading.year_reasons import ReasonCode

SUBJECT_REASONS: dict[str, str | Promise] = {
    ReasonCode.SUBJECT_EXEMPT: gettext_lazy("exempt from {subjects}"),
    ReasonCode.SUBJECT_NOT_COUNTED: gettext_lazy(
        "not counted for promotion: {subjects}"
    ),
}
YEAR_REASONS: dict[str, str | Promise] = {
    ReasonCode.APPROVED_BY_COUNCIL: gettext_lazy("approved by the class council"),
    ReasonCode.RETAINED_BY_COUNCIL: gettext_lazy("retained by the class council"),
    ReasonCode.CONTINUOUS_PROGRESSION: gettext_lazy(
        "grades do not retain at this level"
    ),
    ReasonCode.NO_RETENTION: gettext_lazy("attendance does not retain at this level"),
    ReasonCode.NO_RULES: gettext_lazy("no rules are set for this year and level"),
    ReasonCode.NO_DAYS: gettext_lazy("no lesson day recorded yet"),
    ReasonCode.NO_SUBJECTS: gettext_lazy("the class offers no subject"),
}
