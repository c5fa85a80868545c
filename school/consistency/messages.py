"""Messages of the rules, shown by forms and raised by triggers."""

from django.utils.translation import gettext_noop as _

OTHER_NETWORKS = _("These records belong to different networks.")
OUTSIDE_YEAR = _("The date is outside the school year")
RECORDS_OUTSIDE_YEAR = _("Terms, lessons or enrolments would be outside the year.")
UNKNOWN_TERM = _("The school year has no such term.")
TERM_IN_USE = _("There are grades or lessons in this term.")
YEAR_OF_DATES = _("The first day must be in the year, the one before or the one after.")
YEAR_OF_LAST_DATE = _(
    "The last day must be in the year, the one before or the one after."
)
OTHER_LEVEL = _("The class does not have this grade level.")
LEVEL_IN_USE = _("Students of the class are enrolled in this grade level.")
NOT_BORN = _("The student was not born before this date.")
NOT_ENROLLED = _("The student was not in the class on this day.")
LEVEL_OF_SUBJECT = _("Subjects of the class are for this grade level only.")
UNKNOWN_CONCEPT = _("The rules of the year have no such concept for this grade level.")
NO_TERM_RECOVERY = _("The rules of the year have no recovery of terms for this level.")
