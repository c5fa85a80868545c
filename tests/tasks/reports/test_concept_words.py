"""Words of reports in networks whose papers show concepts, in both languages."""

import re

import pytest

from school.models import Grade
from tests.support.school_factory import (
    MATHEMATICS,
    PORTUGUESE,
    SampleClass,
    set_rules,
)
from tests.support.task_factories import read_rows, run_task

pytestmark = pytest.mark.django_db

SCALE = [
    {"label": "C", "lowest": "0.0", "highest": "4.9"},
    {"label": "B", "lowest": "5.0", "highest": "6.9"},
    {"label": "A", "lowest": "7.0", "highest": "10.0"},
]
GIVEN = {
    "assessment": "concepts", "pass_mark": None, "pass_concept": "B",
    "recovery_rule": "replace_if_higher", "scale": SCALE,
}  # fmt: skip
GRADE_WORDS = {"pt-BR": r"\bnotas?\b", "en": r"\bgrades?\b(?! level)"}
KINDS = ["report_card", "final_results", "at_risk_students"]
MISSING = {
    "pt-BR": {
        False: ("Faltam os conceitos do 3º bimestre", "Cursando"),
        True: ("Faltam os conceitos do 3º e do 4º bimestre", "Incompleto: faltam conceitos"),
    },
    "en": {
        False: ("The concepts for the 3rd bimester", "In progress"),
        True: ("The concepts for the 3rd and the 4th bimester", "Incomplete: concepts missing"),
    },
}  # fmt: skip


def create_class(**rules):
    sample_class = SampleClass()
    set_rules(sample_class.year, **rules)
    sample_class.add_sessions(*range(16))
    return sample_class


def give(sample_class, enrolment, subject, *concepts):
    Grade.objects.bulk_create(
        Grade(
            enrolment=enrolment, offering_id=sample_class.offering_ids[subject],
            term=term, concept=concept,
        )
        for term, concept in enumerate(concepts, 1)
    )  # fmt: skip


def close(sample_class):
    sample_class.year.is_closed = True
    sample_class.year.save()


@pytest.mark.parametrize("language", MISSING)
@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_given_concepts_are_not_called_grades(admin, kind, is_closed, language):
    sample_class = create_class(**GIVEN)
    ana, eva = sample_class.enrol("Ana"), sample_class.enrol("Eva")
    give(sample_class, ana, PORTUGUESE, "C", "C")
    give(sample_class, ana, MATHEMATICS, "A", "A")
    give(sample_class, eva, PORTUGUESE, "C", "B", "B", "C")
    give(sample_class, eva, MATHEMATICS, "A", "A", "A", "A")
    if is_closed:
        close(sample_class)

    task = run_task(admin, {"class_id": sample_class.pk}, kind=kind, language=language)

    rows, columns = read_rows(task), task.result["columns"]
    titles = [column["title"] for column in columns]
    situations = next(c["labels"] for c in columns if c["name"] == "situation")
    texts = [
        *titles, *situations.values(), task.result["summary"] or "",
        *(row[name] or "" for row in rows for name in ("reasons", "saving") if name in row),
    ]  # fmt: skip
    assert [t for t in texts if re.search(GRADE_WORDS[language], t, re.I)] == []
    sentence, label = MISSING[language][is_closed]
    of_ana = next(row for row in rows if row["student"] == "Ana")
    assert sentence in of_ana["reasons"]
    assert situations[of_ana["situation"]] == label


def test_missing_numbers_that_papers_show_as_concepts_are_called_concepts(admin):
    sample_class = create_class(scale=SCALE)
    sample_class.add_grades(sample_class.enrol("Ana"), PORTUGUESE, 60, 60, 60)
    close(sample_class)

    row = read_rows(run_task(admin, {"class_id": sample_class.pk}, kind="report_card"))[
        0
    ]

    assert (row["term_1"], row["situation"]) == ("B", "incomplete")
    assert row["reasons"].startswith(
        "Faltam os conceitos do 1º, do 2º e do 3º bimestre em Matemática. "
        "Faltam os conceitos do 4º bimestre."
    )


def test_years_of_grades_and_of_concepts_have_a_label_for_both(admin):
    for rules, level in (({}, None), (GIVEN, 2)):
        sample_class = SampleClass(f"Turma {level}")
        set_rules(sample_class.year, level, **rules)
        sample_class.enrol("Ana", grade_level_id=level or 1)
    close(sample_class)

    task = run_task(admin, {"year": 2025}, kind="final_results")

    assert "Incompleto: faltam notas ou conceitos: 2" in task.result["summary"]
