"""Enrolment with its absences, grades and exams, read by one SQL statement."""

import pickle
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import DateField, QuerySet, Value

from school.models import Enrolment
from school.records import attendance, grades
from school.records.enrolment_rows import FIELD_PATHS, EnrolmentRow
from school.records.grades import GradebookJson
from school.year_members import SEEN_UNTIL

CHUNK_SIZE = 100
"""Number of enrolment records fetched at once."""


class EnrolmentRecord(NamedTuple):
    """An enrolment row with its records as unparsed JSON."""

    row: EnrolmentRow
    absences_json: str | None
    """Result of `attendance.ABSENCES_SUBQUERY`."""
    gradebook_json: GradebookJson = GradebookJson()


def dumps(record: EnrolmentRecord) -> bytes:
    """Compress a record (about 4×) while it waits to be joined."""
    return zlib.compress(pickle.dumps(record))


def loads(data: bytes) -> EnrolmentRecord:
    record: EnrolmentRecord = pickle.loads(zlib.decompress(data))  # noqa: S301  (pickled by `dumps`)
    return record


def iter_records(
    enrolments: QuerySet[Enrolment],
    *,
    with_grades: bool,
    with_concepts: bool = False,
    with_term_recoveries: bool = False,
) -> Iterator[EnrolmentRecord]:
    """Stream the records in query order, with attendance only unless `with_grades`.

    Given concepts and recoveries of terms are read on demand: few networks have them.
    """
    annotations = {"_absences": attendance.ABSENCES_SUBQUERY}
    if with_grades:
        annotations |= {
            "_grades": grades.GRADES_SUBQUERY,
            "_exams": grades.EXAMS_SUBQUERY,
        }
    if with_grades and with_concepts:
        annotations |= {
            "_concepts": grades.CONCEPTS_SUBQUERY,
            "_exam_concepts": grades.EXAM_CONCEPTS_SUBQUERY,
        }
    if with_grades and with_term_recoveries:
        annotations["_term_recoveries"] = grades.TERM_RECOVERIES_SUBQUERY
    if SEEN_UNTIL not in enrolments.query.annotations:
        enrolments = enrolments.annotate(**{SEEN_UNTIL: Value(None, DateField())})
    rows = enrolments.annotate(**annotations).values_list(
        *FIELD_PATHS.values(), *annotations
    )
    field_count = len(FIELD_PATHS)
    for row in rows.iterator(CHUNK_SIZE):
        texts = dict(zip(annotations, row[field_count:], strict=True))
        absences = texts.pop("_absences")
        gradebook = {name.removeprefix("_"): text for name, text in texts.items()}
        yield EnrolmentRecord(
            EnrolmentRow(*row[:field_count]), absences, GradebookJson(**gradebook)
        )
