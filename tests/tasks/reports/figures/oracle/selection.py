"""All that is recorded, and what one request sees and lists of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from school import models as m
from tests.tasks.reports.figures.oracle import rounding, visibility
from tests.tasks.reports.figures.oracle.student_year import Records, Year

Rows = list[dict[str, object]]


class World:
    """Everything, or what is of one network, where no other matters."""

    def __init__(self, network: m.Network | None = None) -> None:
        self._network = network

    @cached_property
    def enrolments(self) -> list[m.Enrolment]:
        return visibility.all_enrolments(self._network)

    @cached_property
    def records(self) -> Records:
        return Records(self._network)


@dataclass
class Asked:
    world: World
    seen: list[m.Enrolment]
    """All that the viewer may see."""
    listed: list[m.Enrolment]
    """Those of them that the parameters speak of."""
    parameters: Mapping[str, object]

    def year(self, e: m.Enrolment, within: Iterable[m.Enrolment] | None = None) -> Year:
        """The year as it stands at e, with what came before as far as it may be seen."""
        seen = self.seen if within is None else within
        overlapping = visibility.overlapping(e, seen)
        return Year(visibility.chain_of(e, seen), self.world.records, overlapping)

    def each(self) -> list[Year]:
        return [self.year(e) for e in self.listed]

    def latest(self) -> list[Year]:
        return [self.year(e) for e in visibility.latest_of(self.listed)]


def called(school: m.School) -> str:
    """The name, which is not enough where another school of the network has it too."""
    alike = m.School.objects.filter(network=school.network_id, name=school.name)
    is_alone = alike.count() == 1
    return school.name if is_alone else f"{school.name} (INEP {school.inep_code})"


def who(e: m.Enrolment) -> dict[str, object]:
    return {
        "school": called(e.school_class.school),
        "year": str(e.school_class.school_year),
        "class": e.school_class.name,
        "grade_level": e.grade_level.name,
        "number": e.diary_number,
        "registration": e.student.registration,
        "student": e.student.social_name or e.student.name,
    }


def attendance(year: Year) -> str | None:
    return rounding.shown(year.days.percent, 1, year.days.minimum)


def best(subject) -> str | None:
    """The final mean, else that of what was given so far."""
    return subject.shown_final or subject.shown_mean
