"""Who sees which enrolments, and which of them a report lists: from role and attachments."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta

from school import models as m

_NEEDED = (
    "student", "grade_level", "school_class__school__network", "school_class__school_year",
)  # fmt: skip


def all_enrolments(network: m.Network | None = None) -> list[m.Enrolment]:
    every = m.Enrolment.objects.select_related(*_NEEDED).order_by("pk")
    return list(every.filter(student__network=network) if network else every)


def seen_by(viewer: m.User, enrolments: Iterable[m.Enrolment]) -> list[m.Enrolment]:
    """Those that one of the viewer's attachments reaches, of the sort that is their role's."""
    if not viewer.is_active:
        return []
    if viewer.is_superuser and viewer.role == "administrator":
        return list(enrolments)
    held = list(m.Attachment.objects.filter(user=viewer))
    reaches: dict[str, Callable[[m.Attachment, m.Enrolment], bool]] = {
        "administrator": lambda a, e: a.network_id == e.school_class.school.network_id,
        "staff": lambda a, e: a.school_id == e.school_class.school_id,
        "teacher": lambda a, e: a.school_class_id == e.school_class_id,
        "guardian": lambda a, e: a.student_id == e.student_id,
    }
    reach = reaches[viewer.role]
    return [e for e in enrolments if any(reach(a, e) for a in held)]


def listed(
    seen: Iterable[m.Enrolment], parameters: Mapping[str, object]
) -> list[m.Enrolment]:
    """Those that the parameters speak of, in the order of class lists."""
    holds: dict[str, Callable[[m.Enrolment], object]] = {
        "class_id": lambda e: e.school_class_id,
        "student_id": lambda e: e.student_id,
        "school_id": lambda e: e.school_class.school_id,
        "year": lambda e: e.school_class.school_year.year,
    }
    wanted = [(holds[n], v) for n, v in parameters.items() if n in holds]
    chosen = [e for e in seen if all(hold(e) == value for hold, value in wanted)]
    return sorted(chosen, key=in_class_order)


def in_class_order(e: m.Enrolment) -> tuple[object, ...]:
    school, school_class = e.school_class.school, e.school_class
    return (
        bytes(school.sort_key), school.pk, bytes(school_class.sort_key), school_class.pk,
        e.diary_number,
    )  # fmt: skip


def comes_before(p: m.Enrolment, e: m.Enrolment) -> bool:
    """Whether what was recorded under p belongs to e's year, too."""
    return (
        p.pk != e.pk
        and p.student_id == e.student_id
        and p.school_class.school_year_id == e.school_class.school_year_id
        and p.grade_level_id == e.grade_level_id
        and p.exit_date is not None
        and p.exit_date <= e.entry_date
    )


def chain_of(e: m.Enrolment, seen: Iterable[m.Enrolment]) -> list[m.Enrolment]:
    """The enrolment and what comes before it, the newest first; of two at once, the longer."""
    chain = [e]
    before = [p for p in seen if comes_before(p, e)]
    for p in sorted(before, key=lambda p: (p.entry_date - p.exit_date, -p.pk)):
        days = {day for one in chain if one != e for day in _days_in(one)}
        if days.isdisjoint(_days_in(p)):
            chain.append(p)
    return sorted(chain, key=lambda one: (one.entry_date, one.pk), reverse=True)


def overlapping(e: m.Enrolment, seen: Iterable[m.Enrolment]) -> list[m.Enrolment]:
    """What began before e in the same year and has ended, but is no part of its chain."""
    chain = chain_of(e, seen)
    return [
        p
        for p in seen
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


def latest_of(some: Iterable[m.Enrolment]) -> list[m.Enrolment]:
    some = list(some)
    return [e for e in some if not any(comes_before(e, other) for other in some)]


def history_of(
    student_id: int, seen: Iterable[m.Enrolment], everything: Iterable[m.Enrolment]
) -> list[m.Enrolment]:
    """All years of the student that a transcript of this viewer may tell of."""
    own = [e for e in seen if e.student_id == student_id]
    return [
        e
        for e in everything
        if e.student_id == student_id
        and (e in own or any(e.entry_date < _gone_by(mine) for mine in own))
    ]


def _gone_by(e: m.Enrolment) -> date:
    """The first day on which the pupil was no longer there."""
    return e.exit_date or e.school_class.school_year.ends_on + timedelta(days=1)
