"""All that is recorded, and what one request sees and lists of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from school import models as m
from tests.tasks.reports.figures.oracle import rounding, visibility
from tests.tasks.reports.figures.oracle.student_year import Records, StudentYear

Rows = list[dict[str, object]]


class Dataset:
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
class Selection:
    dataset: Dataset
    visible: list[m.Enrolment]
    """All that the viewer may see."""
    enrolments: list[m.Enrolment]
    """Those of them that the parameters speak of."""
    parameters: Mapping[str, object]

    def build_year(
        self, e: m.Enrolment, visible: Iterable[m.Enrolment] | None = None
    ) -> StudentYear:
        """The year as it stands at e, with what came before as far as it may be seen."""
        visible_enrolments = self.visible if visible is None else visible
        overlapping = visibility.find_overlapping(e, visible_enrolments)
        return StudentYear(
            visibility.build_chain(e, visible_enrolments),
            self.dataset.records,
            overlapping,
        )

    def all_years(self) -> list[StudentYear]:
        return [self.build_year(e) for e in self.enrolments]

    def latest_years(self) -> list[StudentYear]:
        return [self.build_year(e) for e in visibility.latest_only(self.enrolments)]


def display_name(school: m.School) -> str:
    """The name, which is not enough where another school of the network has it too."""
    same_name = m.School.objects.filter(network=school.network_id, name=school.name)
    is_unique = same_name.count() == 1
    return school.name if is_unique else f"{school.name} (INEP {school.inep_code})"


def identity_cells(e: m.Enrolment) -> dict[str, object]:
    return {
        "school": display_name(e.school_class.school),
        "year": str(e.school_class.school_year),
        "class": e.school_class.name,
        "grade_level": e.grade_level.name,
        "number": e.diary_number,
        "registration": e.student.registration,
        "student": e.student.social_name or e.student.name,
    }


def format_attendance(year: StudentYear) -> str | None:
    return rounding.round_for_display(year.days.percent, 1, year.days.minimum)


def final_or_mean(subject) -> str | None:
    """The final mean, else that of what was given so far."""
    return subject.display_final or subject.display_mean
