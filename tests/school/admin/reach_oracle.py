"""Reach of the viewers of the admin, written down record by record with plain loops."""

from django.contrib.auth.models import Group

from school import models as m
from tasks.models import AccessLogEntry, Task

VIEWERS = ("superuser", "manager", "secretary", "teacher")
NETWORK, SCHOOL, CLASS = 1, 1, 1
"""Network of the manager, school of the secretary and class of the teacher."""


def sees(viewer, record):
    """Return whether the viewer, one of VIEWERS, may see the record."""
    # Groups: every viewer of these tests has all permissions.
    if viewer == "superuser" or isinstance(record, m.GradeLevel | m.Subject | Group):
        return True
    if isinstance(record, Task | AccessLogEntry):
        record = record.requester if isinstance(record, Task) else record.viewer
    if isinstance(record, m.User):
        return record.username == viewer or _reaches_user(viewer, record)
    network, classes = _place_of(record)
    if viewer == "manager":
        return network == NETWORK
    if classes is None:  # a record of the whole network
        return network == NETWORK
    return any(_is_own_class(viewer, school_class) for school_class in classes)


def may_attach(viewer, record):
    """Return whether the viewer may attach users to the record."""
    lowest = {m.Network: 1, m.School: 2, m.SchoolClass: 3, m.Student: 3}[type(record)]
    if VIEWERS.index(viewer) > lowest or not sees(viewer, record):
        return False
    if viewer in ("superuser", "manager") or not isinstance(record, m.Student):
        return True
    return all(sees(viewer, enrolment) for enrolment in record.enrolments.all())


def _reaches_user(viewer, user):
    roles = ["guardian", "teacher", "staff", "administrator"]
    highest = {"manager": "administrator", "secretary": "staff", "teacher": "teacher"}
    targets = [_target_of(attachment) for attachment in user.attachments.all()]
    return (
        not user.is_superuser
        and roles.index(user.role) <= roles.index(highest[viewer])
        and bool(targets)
        and all(may_attach(viewer, target) for target in targets)
    )


def _target_of(attachment):
    targets = ("network", "school", "school_class", "student")
    return next(filter(None, (getattr(attachment, name) for name in targets)))


def _is_own_class(viewer, school_class):
    if viewer == "secretary":
        return school_class.school_id == SCHOOL
    return school_class.pk == CLASS


def all_records(model):
    """Return all records of the model, with what the oracle reads of each."""
    paths = {
        "enrolment": "enrolment__school_class__school",
        "school_class": "school_class__school",
    }
    fields = {field.name for field in model._meta.fields}
    related = next((path for name, path in paths.items() if name in fields), None)
    return model._default_manager.select_related(*[related] if related else [])


PARENTS = {
    m.Offering: "school_class", m.ClassSession: "school_class", m.Enrolment: "school_class",
    m.Grade: "enrolment", m.RecoveryGrade: "enrolment", m.Exemption: "enrolment", m.Absence: "enrolment",
    m.Term: "school_year", m.YearRules: "school_year", m.RuleVersion: "profile",
    m.GradeChange: "school_class", m.SchoolYearEvent: "school_year",
    m.PriorYear: "student", m.PriorSubject: "prior_year",
}  # fmt: skip


def _place_of(record):
    """Return the network of a record, and its classes; None for those of a whole network."""
    if isinstance(record, m.Crest):
        return _place_of(record.network or record.school)
    while type(record) in PARENTS:
        record = getattr(record, PARENTS[type(record)])
    if isinstance(record, m.Network):
        return record.pk, None
    if isinstance(record, m.SchoolClass):
        return record.school.network_id, [record]
    if isinstance(record, m.School):
        return record.network_id, list(record.classes.all())
    if isinstance(record, m.Student):
        enrolments = record.enrolments.select_related("school_class")
        return record.network_id, [e.school_class for e in enrolments]
    return record.network_id, None
