"""Visible enrolments by role and attachments, and those that a report lists."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta

from school import models as m

_RELATED = (
    "student", "grade_level", "school_class__school__network", "school_class__school_year",
)  # fmt: skip


def all_enrolments(network: m.Network | None = None) -> list[m.Enrolment]:
    queryset = m.Enrolment.objects.select_related(*_RELATED).order_by("pk")
    return list(queryset.filter(student__network=network) if network else queryset)


def visible_to(viewer: m.User, enrolments: Iterable[m.Enrolment]) -> list[m.Enrolment]:
    """Return enrolments covered by an attachment of the viewer that fits their role."""
    if not viewer.is_active:
        return []
    if viewer.is_superuser and viewer.role == "administrator":
        return list(enrolments)
    attachments = list(m.Attachment.objects.filter(user=viewer))
    covers_by_role: dict[str, Callable[[m.Attachment, m.Enrolment], bool]] = {
        "administrator": lambda a, e: a.network_id == e.school_class.school.network_id,
        "staff": lambda a, e: a.school_id == e.school_class.school_id,
        "teacher": lambda a, e: a.school_class_id == e.school_class_id,
        "guardian": lambda a, e: a.student_id == e.student_id,
    }
    covers = covers_by_role[viewer.role]
    return [e for e in enrolments if any(covers(a, e) for a in attachments)]


def select_enrolments(
    visible: Iterable[m.Enrolment], parameters: Mapping[str, object]
) -> list[m.Enrolment]:
    """Return enrolments that match the parameters, in class-list order."""
    getters: dict[str, Callable[[m.Enrolment], object]] = {
        "class_id": lambda e: e.school_class_id,
        "student_id": lambda e: e.student_id,
        "school_id": lambda e: e.school_class.school_id,
        "year": lambda e: e.school_class.school_year.year,
    }
    criteria = [(getters[n], v) for n, v in parameters.items() if n in getters]
    matches = [
        e for e in visible if all(getter(e) == value for getter, value in criteria)
    ]
    return sorted(matches, key=class_list_key)


def class_list_key(e: m.Enrolment) -> tuple[object, ...]:
    school, school_class = e.school_class.school, e.school_class
    return (
        bytes(school.sort_key), school.pk, bytes(school_class.sort_key), school_class.pk,
        e.diary_number,
    )  # fmt: skip


def is_predecessor(p: m.Enrolment, e: m.Enrolment) -> bool:
    """Return whether the records of enrolment p also belong to e's year."""
    return (
        p.pk != e.pk
        and p.student_id == e.student_id
        and p.school_class.school_year_id == e.school_class.school_year_id
        and p.grade_level_id == e.grade_level_id
        and p.exit_date is not None
        and p.exit_date <= e.entry_date
    )


def build_chain(e: m.Enrolment, visible: Iterable[m.Enrolment]) -> list[m.Enrolment]:
    """Return the enrolment and its predecessors, newest first; of two overlapping, the longer."""
    chain = [e]
    predecessors = [p for p in visible if is_predecessor(p, e)]
    for p in sorted(predecessors, key=lambda p: (p.entry_date - p.exit_date, -p.pk)):
        days = {day for one in chain if one != e for day in _days_in(one)}
        if days.isdisjoint(_days_in(p)):
            chain.append(p)
    return sorted(chain, key=lambda one: (one.entry_date, one.pk), reverse=True)


def find_overlapping(
    e: m.Enrolment, visible: Iterable[m.Enrolment]
) -> list[m.Enrolment]:
    """Return ended enrolments of the same year that began before e but are not in its chain."""
    chain = build_chain(e, visible)
    return [
        p
        for p in visible
        if p.student_id == e.student_id
        and p.school_class.school_year_id == e.school_class.school_year_id
        and p.grade_level_id == e.grade_level_id
        and p.exit_date is not None
        and (p.entry_date, p.pk) < (e.entry_date, e.pk)
        and p not in chain
    ]


def _days_in(e: m.Enrolment) -> set[date]:
    length = (e.exit_date - e.entry_date).days
    return {e.entry_date + timedelta(days=n) for n in range(length)}


def latest_only(enrolments: Iterable[m.Enrolment]) -> list[m.Enrolment]:
    enrolments = list(enrolments)
    return [
        e
        for e in enrolments
        if not any(is_predecessor(e, other) for other in enrolments)
    ]


def full_history(
    student_id: int, visible: Iterable[m.Enrolment], enrolments: Iterable[m.Enrolment]
) -> list[m.Enrolment]:
    """Return all enrolments of the student that this viewer's transcript may include."""
    own_enrolments = [e for e in visible if e.student_id == student_id]
    return [
        e
        for e in enrolments
        if e.student_id == student_id
        and (
            e in own_enrolments
            or any(e.entry_date < _first_day_away(mine) for mine in own_enrolments)
        )
    ]


def _first_day_away(e: m.Enrolment) -> date:
    """Return the first day after the student's stay."""
    return e.exit_date or e.school_class.school_year.ends_on + timedelta(days=1)
