"""What classes are taught: few lists, which many classes share."""

from collections.abc import Mapping, Sequence, Set
from itertools import groupby
from operator import itemgetter

from school.models import Offering
from school.records.places import of_classes
from school.records.student_year import TaughtSubject


class Taught:
    """In these classes, read by one query."""

    def __init__(self, classes: Set[int]) -> None:
        self._subjects: dict[int, tuple[TaughtSubject, ...]] = {}
        self._by_offering: dict[int, Mapping[int, int]] = {}
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
            taught = {row[1]: TaughtSubject(*row[2:]) for row in of_class}
            subjects = tuple(taught.values())
            self._subjects[school_class] = shared.setdefault(subjects, subjects)
            self._by_offering[school_class] = {id: s.id for id, s in taught.items()}

    def subjects(self, school_class: int) -> Sequence[TaughtSubject]:
        """In the order of a report card."""
        return self._subjects.get(school_class, ())

    def by_offering(self, school_class: int) -> Mapping[int, int]:
        """The subject of each of its offerings."""
        return self._by_offering.get(school_class, {})
