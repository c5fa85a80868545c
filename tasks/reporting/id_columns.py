"""Columns of ids, for programs that ask for more about a row or link it with others."""

from django.utils.translation import gettext_lazy as _

from tasks.rendering.columns import Column

STUDENT_ID = Column("student_id", _("Student id"), "integer", audience="programs")
CLASS_ID = Column("class_id", _("Class id"), "integer", audience="programs")
SCHOOL_ID = Column("school_id", _("School id"), "integer", audience="programs")
