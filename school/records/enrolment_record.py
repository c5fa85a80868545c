"""An enrolment with all that is written down of it, as one statement reads it."""

import pickle
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import QuerySet

from school.models import Enrolment
from school.records import attendance, grades
from school.records.enrolment_rows import PATHS, Place

AT_ONCE = 100
"""Of how many enrolments the records are in memory."""


class Record(NamedTuple):
    """As JSON, which is read when its turn comes."""

    place: Place
    absences: str | None
    """What `days.ABSENCES` gives."""
    grades: str | None = None
    """What `marks.GRADES` gives."""
    exams: str | None = None
    """What `marks.EXAMS` gives."""


def packed(record: Record) -> bytes:
    """In a quarter of the room, for those that are kept until their turn comes."""
    return zlib.compress(pickle.dumps(record))


def unpacked(kept: bytes) -> Record:
    record: Record = pickle.loads(zlib.decompress(kept))  # noqa: S301  (our own)
    return record


def records(enrolments: QuerySet[Enrolment], *, with_marks: bool) -> Iterator[Record]:
    """Of these enrolments, in their order; without marks of their attendance alone."""
    written = {"_absences": attendance.ABSENCES}
    if with_marks:
        written |= {"_grades": grades.GRADES, "_exams": grades.EXAMS}
    rows = enrolments.annotate(**written).values_list(*PATHS.values(), *written)
    for row in rows.iterator(AT_ONCE):
        yield Record(Place(*row[: len(PATHS)]), *row[len(PATHS) :])
