"""The school network's records."""

from school.models.classes import GradeLevel, Offering, SchoolClass, Subject
from school.models.marks import Absence, ClassSession, Grade
from school.models.network import Network, School, SchoolYear, Term
from school.models.people import Attachment, Role, User
from school.models.students import Enrolment, Student

__all__ = [
    "Absence",
    "Attachment",
    "ClassSession",
    "Enrolment",
    "Grade",
    "GradeLevel",
    "Network",
    "Offering",
    "Role",
    "School",
    "SchoolClass",
    "SchoolYear",
    "Student",
    "Subject",
    "Term",
    "User",
]
