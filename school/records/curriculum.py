"""What classes are taught: few lists, which many classes share."""

from array import array
from collections.abc import Mapping, Sequence, Set
from itertools import groupby
from operator import itemgetter

from school.models import Offering
from school.records.enrolment_rows import of_classes
from school.records.student_year import TaughtSubject


class Taught:
    """In these classes, read by one query."""

    def __init__(self, classes: Set[int]) -> None:
        self._subjects: dict[int, tuple[TaughtSubject, ...]] = {}
        self._offerings: dict[int, array[int]] = {}
        """In the order of the subjects."""
        shared: dict[tuple[TaughtSubject, ...], tuple[TaughtSubject, ...]] = {}
        offerings = Offering.objects.filter(of_classes(classes))
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
        for school_class, of_class in groupby(rows.iterator(), key=itemgetter(0)):
            taught = list(of_class)
            subjects = tuple(TaughtSubject(*row[2:]) for row in taught)
            self._subjects[school_class] = shared.setdefault(subjects, subjects)
            self._offerings[school_class] = array("q", [row[1] for row in taught])

    def subjects(self, school_class: int) -> Sequence[TaughtSubject]:
        """In the order of a report card."""
        return self._subjects.get(school_class, ())

    def by_offering(self, school_class: int) -> Mapping[int, int]:
        """The subject of each of its offerings."""
        offerings = self._offerings.get(school_class, ())
        subjects = (subject.id for subject in self.subjects(school_class))
        return dict(zip(offerings, subjects, strict=True))
