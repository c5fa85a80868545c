"""Exemptions of students from subjects."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set

from school.models import Exemption
from school.records.enrolment_rows import in_classes


class Exemptions:
    """Exemptions in the given classes, which are few, read by one query."""

    def __init__(self, classes: Set[int]) -> None:
        self._by_enrolment: dict[int, list[tuple[int, int | None]]] = defaultdict(list)
        rows = Exemption.objects.filter(in_classes(classes, path="offering__"))
        for enrolment, subject, term in rows.order_by().values_list(
            "enrolment_id", "offering__subject_id", "term"
        ):
            self._by_enrolment[enrolment].append((subject, term))

    def exempt_terms(
        self, enrolment_id: int, terms: Set[int]
    ) -> Mapping[int, frozenset[int]]:
        """Return those of the terms that the student is exempt from, by subject id."""
        pairs: Sequence[tuple[int, int | None]] = self._by_enrolment.get(
            enrolment_id, ()
        )
        exempt: dict[int, set[int]] = defaultdict(set)
        for subject, term in pairs:
            exempt[subject] |= terms if term is None else terms & {term}
        return {subject: frozenset(numbers) for subject, numbers in exempt.items()}
