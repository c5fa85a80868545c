"""Columns of ids, for programs that ask for more about a row or link it with others."""

from django.utils.translation import gettext_lazy as _

from tasks.rendering.columns import Column

STUDENT_ID = Column("student_id", _("Student id"), "identifier", audience="programs")
CLASS_ID = Column("class_id", _("Class id"), "identifier", audience="programs")
SCHOOL_ID = Column("school_id", _("School id"), "identifier", audience="programs")
