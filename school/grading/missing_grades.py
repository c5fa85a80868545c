"""Sentences on terms without grades, each said once for all subjects that lack them."""

from collections.abc import Iterator, Mapping, Sequence, Set

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from school.grading.rules import Rules
from school.grading.sentences import join_words, of_terms
from school.grading.subjects import UNCOUNTED_STANDINGS, find_excused_standing
from school.grading.year_record import YearRecord

Texts = Mapping[tuple[bool, str], tuple[str | Promise, str | Promise]]
"""For all terms or some of them, and by state: texts on all subjects, and on some."""
GRADE_TEXTS: Texts = {
    (True, "gone"): (
        _("There are no grades."),
        _("There are no grades in {subjects}."),
    ),
    (True, "late"): (
        _("All grades are missing."),
        _("The grades in {subjects} are missing."),
    ),
    (True, "early"): (
        _("There are no grades yet."),
        _("There are no grades in {subjects} yet."),
    ),
    (False, "gone"): (
        _("There are no grades for {terms}."),
        _("There are no grades for {terms} in {subjects}."),
    ),
    (False, "late"): (
        _("The grades for {terms} are missing."),
        _("The grades for {terms} in {subjects} are missing."),
    ),
    (False, "early"): (
        _("There are no grades for {terms} yet."),
        _("There are no grades for {terms} in {subjects} yet."),
    ),
}
"""Texts where papers show numbers."""
CONCEPT_TEXTS: Texts = {
    (True, "gone"): (
        _("There are no concepts."),
        _("There are no concepts in {subjects}."),
    ),
    (True, "late"): (
        _("All concepts are missing."),
        _("The concepts in {subjects} are missing."),
    ),
    (True, "early"): (
        _("There are no concepts yet."),
        _("There are no concepts in {subjects} yet."),
    ),
    (False, "gone"): (
        _("There are no concepts for {terms}."),
        _("There are no concepts for {terms} in {subjects}."),
    ),
    (False, "late"): (
        _("The concepts for {terms} are missing."),
        _("The concepts for {terms} in {subjects} are missing."),
    ),
    (False, "early"): (
        _("There are no concepts for {terms} yet."),
        _("There are no concepts for {terms} in {subjects} yet."),
    ),
}
"""Texts where papers show concepts."""


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
    texts = CONCEPT_TEXTS if rules and rules.has_concepts else GRADE_TEXTS
    for (group_ids, is_late), numbers in groups.items():
        subjects = [year.subjects[id] for id in group_ids]
        is_every_term = (
            all(set(numbers) >= set(grades.due_terms) for grades in subjects)
            if subjects
            else set(numbers) == due_counts.keys()
        )
        state = "gone" if year.is_gone else "late" if is_late else "early"
        text = texts[is_every_term, state][bool(group_ids)]
        yield str(text).format(
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
