"""Subjects taught to classes, as a few lists shared by many classes."""

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from itertools import groupby
from operator import itemgetter

from school.models import Offering
from school.records.enrolment_rows import in_classes
from school.records.student_year import ClassSubject


class Curriculum:
    """Subjects and offerings of the given classes, read by two queries."""

    def __init__(self, classes: Set[int]) -> None:
        self._subjects: dict[int, tuple[ClassSubject, ...]] = {}
        self._offerings: dict[int, array[int]] = {}
        """Offering ids of each class, in the order of its subjects."""
        self._levels = _read_levels(classes)
        unique: dict[tuple[ClassSubject, ...], tuple[ClassSubject, ...]] = {}
        offerings = Offering.objects.filter(in_classes(classes))
        rows = offerings.order_by(
            "school_class_id", "subject__order", "subject__sort_key", "subject_id"
        ).values_list(
            "school_class_id",
            "pk",
            "subject_id",
            "subject__code",
            "subject__name",
            "hours",
            "counts_for_promotion",
            "is_optional",
        )
        for school_class, class_rows in groupby(rows.iterator(), key=itemgetter(0)):
            offering_rows = list(class_rows)
            subjects = tuple(ClassSubject(*row[2:]) for row in offering_rows)
            self._subjects[school_class] = unique.setdefault(subjects, subjects)
            self._offerings[school_class] = array(
                "q", [row[1] for row in offering_rows]
            )

    def subjects(self, class_id: int, level_id: int) -> Sequence[ClassSubject]:
        """Return the subjects of a level of the class, in report card order."""
        subjects = self._subjects.get(class_id, ())
        levels = self._levels.get(class_id)
        if levels is None:  # the usual case
            return subjects
        offerings = self._offerings.get(class_id, ())
        return [
            subject
            for offering, subject in zip(offerings, subjects, strict=True)
            if offering not in levels or level_id in levels[offering]
        ]

    @property
    def teaching_classes(self) -> Set[int]:
        """Ids of the classes with subjects."""
        return self._subjects.keys()

    def subject_by_offering(self, class_id: int) -> Mapping[int, int]:
        """Map the class's offering ids to subject ids."""
        offerings = self._offerings.get(class_id, ())
        subjects = (subject.id for subject in self._subjects.get(class_id, ()))
        return dict(zip(offerings, subjects, strict=True))


def _read_levels(classes: Set[int]) -> Mapping[int, Mapping[int, Set[int]]]:
    """Return the levels of offerings that are not for all levels, by class and offering."""
    levels: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    rows = Offering.grade_levels.through._default_manager.filter(
        in_classes(classes, path="offering__")
    )
    for school_class, offering, level in rows.order_by().values_list(
        "offering__school_class_id", "offering_id", "gradelevel_id"
    ):
        levels[school_class][offering].add(level)
    return levels


def find_teaching_classes(classes: Set[int]) -> Set[int]:
    """Return the ids of those of the classes that have subjects."""
    offerings = Offering.objects.filter(in_classes(classes)).order_by()
    return set(offerings.values_list("school_class_id", flat=True).distinct())
