"""Subjects taught to classes, as a few lists shared by many classes."""

from array import array
from collections.abc import Mapping, Sequence, Set
from itertools import groupby
from operator import itemgetter

from school.models import Offering
from school.records.enrolment_rows import in_classes
from school.records.student_year import ClassSubject


class Curriculum:
    """Subjects and offerings of the given classes, read by one query."""

    def __init__(self, classes: Set[int]) -> None:
        self._subjects: dict[int, tuple[ClassSubject, ...]] = {}
        self._offerings: dict[int, array[int]] = {}
        """Offering ids of each class, in the order of its subjects."""
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
        )
        for school_class, class_rows in groupby(rows.iterator(), key=itemgetter(0)):
            offering_rows = list(class_rows)
            subjects = tuple(ClassSubject(*row[2:]) for row in offering_rows)
            self._subjects[school_class] = unique.setdefault(subjects, subjects)
            self._offerings[school_class] = array(
                "q", [row[1] for row in offering_rows]
            )

    def subjects(self, class_id: int) -> Sequence[ClassSubject]:
        """Return the subjects of the class in report card order."""
        return self._subjects.get(class_id, ())

    def subject_by_offering(self, class_id: int) -> Mapping[int, int]:
        """Map the class's offering ids to subject ids."""
        offerings = self._offerings.get(class_id, ())
        subjects = (subject.id for subject in self.subjects(class_id))
        return dict(zip(offerings, subjects, strict=True))
