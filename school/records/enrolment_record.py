"""An enrolment with all that is written down of it, as one statement reads it."""

import pickle
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import QuerySet

from school.models import Enrolment
from school.records import attendance, grades
from school.records.enrolment_rows import FIELD_PATHS, EnrolmentRow

CHUNK_SIZE = 100
"""Of how many enrolments the records are in memory."""


class EnrolmentRecord(NamedTuple):
    """As JSON, which is read when its turn comes."""

    row: EnrolmentRow
    absences_json: str | None
    """What `days.ABSENCES` gives."""
    grades_json: str | None = None
    """What `marks.GRADES` gives."""
    exams_json: str | None = None
    """What `marks.EXAMS` gives."""


def dumps(record: EnrolmentRecord) -> bytes:
    """In a quarter of the room, for those that are kept until their turn comes."""
    return zlib.compress(pickle.dumps(record))


def loads(data: bytes) -> EnrolmentRecord:
    record: EnrolmentRecord = pickle.loads(zlib.decompress(data))  # noqa: S301  (our own)
    return record


def iter_records(
    enrolments: QuerySet[Enrolment], *, with_grades: bool
) -> Iterator[EnrolmentRecord]:
    """Of these enrolments, in their order; without marks of their attendance alone."""
    annotations = {"_absences": attendance.ABSENCES_SUBQUERY}
    if with_grades:
        annotations |= {
            "_grades": grades.GRADES_SUBQUERY,
            "_exams": grades.EXAMS_SUBQUERY,
        }
    rows = enrolments.annotate(**annotations).values_list(
        *FIELD_PATHS.values(), *annotations
    )
    for row in rows.iterator(CHUNK_SIZE):
        yield EnrolmentRecord(
            EnrolmentRow(*row[: len(FIELD_PATHS)]), *row[len(FIELD_PATHS) :]
        )
