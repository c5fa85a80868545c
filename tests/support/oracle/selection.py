"""All records, and the selection of one request."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from django.db import models

from school import models as m
from tests.support.oracle import rounding, visibility
from tests.support.oracle.student_year import Records, StudentYear

Rows = list[dict[str, object]]


class Dataset:
    """All records, or those of one network."""

    def __init__(self, network: m.Network | None = None) -> None:
        self._network = network

    @cached_property
    def enrolments(self) -> list[m.Enrolment]:
        return visibility.all_enrolments(self._network)

    def enrolments_of(self, student_id: int) -> list[m.Enrolment]:
        return self._by_student.get(student_id, [])

    @cached_property
    def _by_student(self) -> dict[int, list[m.Enrolment]]:
        groups: dict[int, list[m.Enrolment]] = {}
        for e in self.enrolments:
            groups.setdefault(e.student_id, []).append(e)
        return groups

    @cached_property
    def records(self) -> Records:
        return Records(self._network)


@dataclass
class Selection:
    dataset: Dataset
    visible: list[m.Enrolment]
    """Enrolments that the viewer may see."""
    enrolments: list[m.Enrolment]
    """Visible enrolments that match the parameters."""
    parameters: Mapping[str, object]

    def build_year(
        self,
        e: m.Enrolment,
        history: visibility.History | None = None,
        *,
        is_repeated: bool = False,
    ) -> StudentYear:
        """Build the student year as of enrolment e; a history limits what it reads."""
        everything = self.dataset.enrolments_of(e.student_id)
        return StudentYear(
            e,
            visibility.build_chain(e, everything, history),
            self.dataset.records,
            is_continued=visibility.is_continued(e, everything),
            is_repeated=is_repeated,
        )

    @property
    def listed(self) -> list[m.Enrolment]:
        """Selected enrolments in regular classes."""
        return [e for e in self.enrolments if visibility.is_regular(e)]

    def history_of(self, student_id: int) -> visibility.History:
        everything = self.dataset.enrolments_of(student_id)
        return visibility.full_history(student_id, self.visible, everything)

    @property
    def not_regular_count(self) -> int:
        return len(self.enrolments) - len(self.listed)

    def all_years(self) -> list[StudentYear]:
        return [self.build_year(e) for e in self.listed]

    def latest_years(self, *, of_any_class: bool = False) -> list[StudentYear]:
        """Return the years in class-list order."""
        enrolments = self.enrolments if of_any_class else self.listed
        latest = visibility.latest_only(enrolments)
        return [
            self.build_year(e, is_repeated=self._is_repeated(e, latest))
            for e in enrolments
            if e in latest
        ]

    def _is_repeated(self, e: m.Enrolment, listed: list[m.Enrolment]) -> bool:
        """Return whether a later enrolment of the student's year is listed, too."""
        return visibility.is_continued(e, [one for one in listed if one.student_id == e.student_id])  # fmt: skip


def display_name(school: m.School) -> str:
    """Return the name, with the INEP code if another school of the network shares it."""
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
        "student_id": e.student_id,
        "class_id": e.school_class_id,
        "school_id": e.school_class.school_id,
    }


def format_attendance(year: StudentYear) -> str | None:
    return rounding.round_for_display(year.days.percent, 1, year.days.minimum)


def count_skipped_records(
    years: Iterable[StudentYear],
    read_models: tuple[type[models.Model], ...] = (models.Model,),
) -> Counter[str]:
    """Count the skipped records of the models that a kind reads, by reason, each once."""
    records = {
        (reason, type(record), record.pk)
        for year in years
        for reason, record in year.skipped_records()
        if isinstance(record, read_models)
    }
    return Counter(reason for reason, *_ in records)
