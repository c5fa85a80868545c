"""Visible enrolments by role and attachments, and those that a report lists."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

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
    }
    criteria = [(getters[n], v) for n, v in parameters.items() if n in getters]
    lists = {"class_ids": "class_id", "student_ids": "student_id"}
    list_criteria = [
        (getters[lists[n]], cast(list[int], v))
        for n, v in parameters.items()
        if n in lists
    ]
    matches = [
        e
        for e in visible
        if all(getter(e) == value for getter, value in criteria)
        and all(getter(e) in ids for getter, ids in list_criteria)
        and ("year" not in parameters or _is_of_year(e, parameters["year"]))
    ]
    return sorted(matches, key=class_list_key)


def _is_of_year(e: m.Enrolment, year: object) -> bool:
    """Return whether the school year has this number or a day in this calendar year."""
    school_year = e.school_class.school_year
    day, days = school_year.starts_on, set()
    while day <= school_year.ends_on:
        days.add(day.year)
        day += timedelta(days=28)
    return year in {school_year.year, school_year.ends_on.year, *days}


def class_list_key(e: m.Enrolment) -> tuple[object, ...]:
    school, school_class = e.school_class.school, e.school_class
    return (
        bytes(school.sort_key), school.pk, bytes(school_class.sort_key), school_class.pk,
        e.diary_number,
    )  # fmt: skip


@dataclass(frozen=True)
class Stay:
    """An enrolment, as far as a year reaches that it belongs to."""

    enrolment: m.Enrolment
    end: date | None
    """First day after it; None if it has no end."""

    @property
    def is_cut(self) -> bool:
        """Return whether the enrolment goes on after the year ends."""
        return self.end != self.enrolment.exit_date

    def has(self, day: date) -> bool:
        is_before_end = self.end is None or day < self.end
        return self.enrolment.entry_date <= day and is_before_end


def is_regular(e: m.Enrolment) -> bool:
    return e.school_class.kind == "regular"


def year_of(e: m.Enrolment, everything: Iterable[m.Enrolment]) -> list[m.Enrolment]:
    """Return the student's enrolments in regular classes of the same school year."""
    year = e.school_class.school_year_id
    return [
        one
        for one in everything
        if one.student_id == e.student_id
        and one.school_class.school_year_id == year
        and is_regular(one)
    ]


def holder(e: m.Enrolment, everything: Iterable[m.Enrolment]) -> m.Enrolment:
    """Return the enrolment that has the student now: the others were left before it.

    Nobody goes on after death, even where an enrolment has no end.
    """
    return sorted(year_of(e, everything), key=_rank)[-1]


def is_continued(e: m.Enrolment, everything: Iterable[m.Enrolment]) -> bool:
    """Return whether the student is, or was last, in another class of the year."""
    return is_regular(e) and holder(e, everything) != e


def members_of(e: m.Enrolment, everything: list[m.Enrolment]) -> list[m.Enrolment]:
    """Return the enrolments that make up the year as of enrolment e."""
    if not is_regular(e):
        return [e]
    year = year_of(e, everything)
    if holder(e, everything) == e:
        end = e.exit_date
        return [one for one in year if end is None or one.entry_date < end]
    return [one for one in year if one == e or _began_before(one, e)]


def build_chain(
    e: m.Enrolment, everything: list[m.Enrolment], history: "History | None" = None
) -> list[Stay]:
    """Return the members of the year as of e, newest first, none beyond its end.

    A history limits the members to those that the viewer may see, each to its own end.
    """
    end = _earliest(e.exit_date, history[e] if history else None)
    stays = [
        Stay(one, _earliest(one.exit_date, end, history[one] if history else None))
        for one in members_of(e, everything)
        if history is None or one in history
    ]
    own = [stay for stay in stays if stay.enrolment == e]
    others = [stay for stay in stays if stay.enrolment != e]

    def when_left(stay: Stay) -> tuple[date, date, int]:
        one = stay.enrolment
        return stay.end or date(9999, 12, 31), one.entry_date, one.pk

    return own + sorted(others, key=when_left, reverse=True)


def latest_only(
    enrolments: Iterable[m.Enrolment], history: "History | None" = None
) -> list[m.Enrolment]:
    """Return the last of the enrolments of each student, year and grade level."""
    last: dict[object, m.Enrolment] = {}
    others = []

    def rank(e: m.Enrolment) -> tuple[date, date, int]:
        return _rank(e, history[e] if history else None)

    for e in sorted(enrolments, key=rank):
        if is_regular(e):
            last[e.student_id, e.school_class.school_year_id, e.grade_level_id] = e
        else:
            others.append(e)
    return [*last.values(), *others]


History = dict[m.Enrolment, date | None]
"""Enrolments that a transcript may include, with the first day not seen of each."""


def full_history(
    student_id: int, visible: Iterable[m.Enrolment], enrolments: list[m.Enrolment]
) -> History:
    """Return what this viewer's transcript of the student may include."""
    history: History = {}
    for e in enrolments:
        if e.student_id != student_id or not is_regular(e):
            continue
        exits = [
            _last_day_known(e, mine)
            for mine in visible
            if mine.student_id == student_id
            and is_regular(mine)
            and _is_seen_from(e, mine, enrolments)
        ]
        if exits:
            history[e] = None if None in exits else max(exits)
    return history


def _is_seen_from(
    e: m.Enrolment, mine: m.Enrolment, enrolments: list[m.Enrolment]
) -> bool:
    if e.school_class.school_year_id == mine.school_class.school_year_id:
        return e in members_of(mine, enrolments)
    first_day_away = mine.exit_date or (
        mine.school_class.school_year.ends_on + timedelta(days=1)
    )
    return e.entry_date < first_day_away


def _last_day_known(e: m.Enrolment, mine: m.Enrolment) -> date | None:
    """Return the first day of e not seen from an enrolment of the viewer; None if all are.

    Without a recorded exit, another school year is seen until the end of the own one.
    """
    if e.school_class.school_year_id == mine.school_class.school_year_id:
        return mine.exit_date
    return mine.exit_date or mine.school_class.school_year.ends_on


def _began_before(one: m.Enrolment, e: m.Enrolment) -> bool:
    return (one.entry_date, one.pk) < (e.entry_date, e.pk)


def _rank(e: m.Enrolment, limit: date | None = None) -> tuple[date, date, int]:
    """Order by the end, as far as it is seen, then by the entry; death is later than any entry."""
    forever = date(9999, 12, 31)
    has_died = e.ending == "deceased"
    end = forever if has_died else e.exit_date or forever
    entry = e.exit_date if has_died and e.exit_date else e.entry_date
    return min(end, limit or end), entry, e.pk


def _earliest(*days: date | None) -> date | None:
    return min((day for day in days if day is not None), default=None)
