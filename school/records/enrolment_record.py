"""Enrolment with its absences, grades and exams, read by one SQL statement."""

import pickle
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import QuerySet

from school.models import Enrolment
from school.records import attendance, grades
from school.records.enrolment_rows import FIELD_PATHS, EnrolmentRow

CHUNK_SIZE = 100
"""Number of enrolment records fetched at once."""


class EnrolmentRecord(NamedTuple):
    """An enrolment row with its records as unparsed JSON."""

    row: EnrolmentRow
    absences_json: str | None
    """Result of `attendance.ABSENCES_SUBQUERY`."""
    grades_json: str | None = None
    """Result of `grades.GRADES_SUBQUERY`."""
    exams_json: str | None = None
    """Result of `grades.EXAMS_SUBQUERY`."""


def dumps(record: EnrolmentRecord) -> bytes:
    """Compress a record (about 4×) while it waits to be joined."""
    return zlib.compress(pickle.dumps(record))


def loads(data: bytes) -> EnrolmentRecord:
    record: EnrolmentRecord = pickle.loads(zlib.decompress(data))  # noqa: S301  (pickled by `dumps`)
    return record


def iter_records(
    enrolments: QuerySet[Enrolment], *, with_grades: bool
) -> Iterator[EnrolmentRecord]:
    """Stream the records in query order, with attendance only unless `with_grades`."""
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
