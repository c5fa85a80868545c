"""Models of the school records, users and rules."""

from school.models import class_levels as _class_levels  # noqa: F401  (signal receivers)
from school.models.attachments import Attachment
from school.models.audit import GradeChange, SchoolYearEvent
from school.models.classes import GradeLevel, Offering, SchoolClass, Subject
from school.models.crests import Crest
from school.models.gradebook import (
    Absence,
    ClassSession,
    Exemption,
    Grade,
    RecoveryGrade,
)
from school.models.history import PriorSubject, PriorYear
from school.models.network import Network, School, SchoolYear, Term
from school.models.people import Role, User
from school.models.rules import RuleProfile, RuleVersion, YearRules
from school.models.second_factors import RecoveryCode, SecondFactor
from school.models.sessions import RefreshToken, Session
from school.models.students import Enrolment, Student

__all__ = [
    "Absence",
    "Attachment",
    "ClassSession",
    "Crest",
    "Enrolment",
    "Exemption",
    "Grade",
    "GradeChange",
    "GradeLevel",
    "Network",
    "Offering",
    "PriorSubject",
    "PriorYear",
    "RecoveryCode",
    "RecoveryGrade",
    "RefreshToken",
    "Role",
    "RuleProfile",
    "RuleVersion",
    "School",
    "SchoolClass",
    "SchoolYear",
    "SchoolYearEvent",
    "SecondFactor",
    "Session",
    "Student",
    "Subject",
    "Term",
    "User",
    "YearRules",
]
