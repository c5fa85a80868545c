"""Sentences on terms without grades, each said once for all subjects that lack them."""

from collections.abc import Iterator, Mapping, Sequence, Set

from django.utils.translation import gettext as _

from school.grading.rules import Rules
from school.grading.sentences import join_words, of_terms
from school.grading.subjects import UNCOUNTED_STANDINGS, find_excused_standing
from school.grading.year_record import YearRecord


def describe_missing_grades(
    rules: Rules | None,
    year: YearRecord,
    subject_ids: Sequence[int],
    subject_names: Mapping[int, str],
    ended_terms: Set[int],
) -> Iterator[str]:
    """Yield a sentence for the terms that the same subjects lack.

    A grade is said to be missing once its term is over, in a closed year at the latest.
    """
    ids_by_term: dict[int, list[int]] = {}
    for id in subject_ids:
        for number in year.subjects[id].missing_terms:
            ids_by_term.setdefault(number, []).append(id)
    due_counts = _count_due_subjects(year, subject_ids)
    is_late_year = year.is_closed and not year.is_gone
    groups: dict[tuple[tuple[int, ...], bool], list[int]] = {}
    for number, ids in sorted(ids_by_term.items()):
        is_late = not year.is_gone and (is_late_year or number in ended_terms)
        # No ids stand for every subject that owes the term.
        key = () if len(ids) == due_counts[number] else tuple(ids)
        groups.setdefault((key, is_late), []).append(number)
    kind = rules.term_kind if rules else "term"
    for (group_ids, is_late), numbers in groups.items():
        subjects = [year.subjects[id] for id in group_ids]
        is_every_term = (
            all(set(numbers) >= set(grades.due_terms) for grades in subjects)
            if subjects
            else set(numbers) == due_counts.keys()
        )
        choose_text = _choose_subject_text if is_every_term else _choose_term_text
        yield choose_text(year, for_all=not group_ids, is_late=is_late).format(
            terms=of_terms(kind, numbers),
            subjects=join_words([subject_names[id] for id in group_ids])
            if group_ids
            else "",
        )


def _count_due_subjects(
    year: YearRecord, missing_ids: Sequence[int]
) -> Mapping[int, int]:
    """Count the subjects that owe a grade for each term."""
    counts: dict[int, int] = {}
    for id, grades in year.subjects.items():
        is_due = id in missing_ids or (
            grades.counts_for_promotion
            and find_excused_standing(grades) not in UNCOUNTED_STANDINGS
        )
        for number in grades.due_terms if is_due else ():
            counts[number] = counts.get(number, 0) + 1
    return counts


def _choose_subject_text(year: YearRecord, *, for_all: bool, is_late: bool) -> str:
    """Return the text on subjects without any grade."""
    if year.is_gone:
        return (
            _("There are no grades.")
            if for_all
            else _("There are no grades in {subjects}.")
        )
    if is_late:
        return (
            _("All grades are missing.")
            if for_all
            else _("The grades in {subjects} are missing.")
        )
    return (
        _("There are no grades yet.")
        if for_all
        else _("There are no grades in {subjects} yet.")
    )


def _choose_term_text(year: YearRecord, *, for_all: bool, is_late: bool) -> str:
    """Return the text on terms without grades."""
    if year.is_gone:
        return (
            _("There are no grades for {terms}.")
            if for_all
            else _("There are no grades for {terms} in {subjects}.")
        )
    if is_late:
        return (
            _("The grades for {terms} are missing.")
            if for_all
            else _("The grades for {terms} in {subjects} are missing.")
        )
    return (
        _("There are no grades for {terms} yet.")
        if for_all
        else _("There are no grades for {terms} in {subjects} yet.")
    )
