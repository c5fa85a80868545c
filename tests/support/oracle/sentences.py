"""Portuguese sentences on a student's year, written from docs/reports.md and not from the code."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from tests.support.oracle import grading
from tests.support.oracle.student_year import StudentYear
from tests.support.oracle.subject_year import SubjectYear

UNCOUNTED = {"exempt", "not_taken", "not_graded"}
PASSED = {"passed", "passed_after_recovery"}
PASSED_SITUATIONS = {"approved", "approved_after_recovery", "approved_by_council", "approved_with_dependency", "promoted", "failed_by_council"}  # fmt: skip
"""Situations after which nothing is left to do."""
TERM_KINDS = {"bimester": "bimestre", "trimester": "trimestre", "semester": "semestre", "term": "período"}  # fmt: skip
COUNCIL = "quem pode decidir é o conselho de classe"


def reasons(year: StudentYear) -> str | None:
    """Return why the year has its situation; nothing is said of a student who died."""
    if year.situation == "deceased":
        return None
    return " ".join([*_grades(year), *_decisions(year), *_days(year)])


def saving(year: StudentYear) -> str:
    """Return what to do next, for a student who is enrolled and has not passed.

    A closed year promises nothing.
    """
    if not year.is_open:
        return ""
    return " ".join(
        [*_lost_attendance(year), *_needed_grades(year), *_absences_left(year)]
    )


def next_steps(year: StudentYear) -> str | None:
    """Return what to do next for any student; None if there is nothing to say."""
    if year.rules is None or year.has_left or year.situation in PASSED_SITUATIONS:
        return None
    return saving(year) or None


def number(value: Fraction, decimals: int = 1) -> str:
    """Write a number with a comma and at most two decimals, which are never rounded up."""
    whole, hundredths = divmod(int(value * 100), 100)
    digits = f"{hundredths:02}".rstrip("0")
    digits += "0" * (decimals - len(digits))
    return f"{whole},{digits}" if digits else f"{whole}"


def listing(words: Sequence[str]) -> str:
    return " e ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _terms(year: StudentYear, preposition: str, numbers: Sequence[int]) -> str:
    kind = TERM_KINDS[year.rules["term_kind"] if year.rules else "term"]
    return f"{listing([f'{preposition} {n}º' for n in numbers])} {kind}"


def _grades(year: StudentYear) -> Iterator[str]:
    counted = [s for s in year.subjects if s.standing not in UNCOUNTED]
    passed = [s for s in counted if s.standing in PASSED]
    if passed and passed == counted:
        yield "Passou na única disciplina." if len(passed) == 1 else f"Passou nas {len(passed)} disciplinas."  # fmt: skip
    elif passed:
        yield f"Passou em {len(passed)} de {len(counted)} disciplinas."
    deciding = [s for s in counted if s.counts]
    yield from _failed([s for s in deciding if s.standing == "failed"])
    yield from _recovery(year, [s for s in deciding if s.standing == "recovery"])
    yield from _missing(year, deciding)
    if exempt := [s for s in year.subjects if s.standing == "exempt"]:
        yield f"Tem dispensa de {listing([*map(_name, exempt)])}."
    useless = [s for s in counted if not s.counts and (s.standing in ("failed", "recovery") or s.missing_terms)]  # fmt: skip
    if useless:
        verb = "conta" if len(useless) == 1 else "contam"
        yield f"{listing([*map(_name, useless)])} não {verb} para passar de ano."


def _failed(failed: list[SubjectYear]) -> Iterator[str]:
    for mark in dict.fromkeys(map(_mark, failed)):
        group = [s for s in failed if _mark(s) == mark]
        if len(group) == 1:
            yield f"Não passou em {_name(group[0])}: ficou com {_grade(group[0])} e precisava de {mark}."
        else:
            names = listing([f"{_name(s)} ({_grade(s)})" for s in group])
            yield f"Não passou em {names}; o mínimo é {mark}."


def _recovery(year: StudentYear, pending: list[SubjectYear]) -> Iterator[str]:
    verb = "Ficou para" if year.has_left else "Vai fazer"
    if not pending:
        return
    mark = _mark(pending[0])
    if len(pending) == 1:
        result = "o conceito" if pending[0].has_given_concepts else "a média"
        yield f"{verb} a recuperação de {_name(pending[0])}: {result} do ano foi {_grade(pending[0])} e o mínimo é {mark}."
    else:
        names = listing([f"{_name(s)} ({_grade(s)})" for s in pending])
        yield f"{verb} a recuperação de {names}; o mínimo é {mark}."


def _missing(year: StudentYear, deciding: list[SubjectYear]) -> Iterator[str]:
    if all(s.standing == "not_taken" for s in year.subjects):
        deciding = year.subjects  # somebody must have chosen one of them
    numbers = range(1, year.terms + 1)
    owing = {n: [s for s in deciding if n in s.owed_terms] for n in numbers}
    lacking = {n: [s for s in deciding if n in s.missing_terms] for n in numbers}
    groups: dict[tuple[bool, tuple[str, ...]], list[int]] = {}
    subjects_of = {}
    for n in numbers:
        if lacking[n]:
            where = () if lacking[n] == owing[n] else tuple(map(_name, lacking[n]))
            key = _is_late(year, n), where
            groups.setdefault(key, []).append(n)
            subjects_of[key] = lacking[n] if where else []
    for key, terms in groups.items():
        yield _missing_sentence(year, key, terms, subjects_of[key] or deciding)


def _missing_sentence(
    year: StudentYear,
    key: tuple[bool, tuple[str, ...]],
    terms: list[int],
    subjects: list[SubjectYear],
) -> str:
    is_late, names = key
    is_all = all(n in terms for s in subjects for n in s.owed_terms)
    article, noun = ("os", "conceitos") if _has_concepts(year) else ("as", "notas")
    if is_all and is_late and not names:
        return f"Faltam tod{article} {article} {noun}."
    missing = f"Faltam {article}" if is_late else "Ainda não há"
    start = "Não há" if year.has_left else missing
    which = "" if is_all else f" {_terms(year, 'do', terms)}"
    where = f" em {listing(names)}" if names else ""
    return f"{start} {noun}{which}{where}."


def _has_concepts(year: StudentYear) -> bool:
    """Return whether papers show concepts, be they given or found in the scale."""
    return bool(year.rules and year.rules["scale"])


def _is_late(year: StudentYear, term: int) -> bool:
    """Return whether the term is over: the year is closed, or a later term has lessons."""
    if year.has_left:
        return False
    return not year.is_open or any(n > term for n in year.days.terms_with_lessons)


def _decisions(year: StudentYear) -> Iterator[str]:
    failed = [s for s in year.subjects if s.standing == "failed" and s.counts]
    if year.situation == "failed_by_council":
        yield "O conselho de classe decidiu pela retenção."
    if year.situation == "promoted":
        is_short = year.days.is_enough is False
        kinds = "conceitos" if _has_concepts(year) else "notas"
        kinds += " nem por faltas" if is_short else ""
        yield f"Promovido(a): nesta etapa não há reprovação por {kinds}."
    if year.situation == "approved_by_council":
        yield "O conselho de classe decidiu pela aprovação."
    if year.situation == "approved_with_dependency":
        yield f"Passa de ano devendo {_owing(year, failed)}."


def _owing(year: StudentYear, subjects: list[SubjectYear]) -> str:
    noun = "disciplina" if len(subjects) == 1 else "disciplinas"
    names = listing([*map(_name, subjects)])
    return f"{len(subjects)} {noun}: {names} (a rede permite até {year.rules['dependencies']})"


def _days(year: StudentYear) -> Iterator[str]:
    days, rules = year.days, year.rules
    is_over = year.has_left or not year.is_open
    if rules is None:
        yield "Não há regras de avaliação para este ano letivo e esta série."
    elif days.lesson_days == 0:
        yield "Não há dias de aula registrados." if is_over else "Ainda não há dias de aula registrados."  # fmt: skip
    else:
        share = f"{number(days.percent, 0)} %"
        if days.minimum:
            share += f"; o mínimo é {number(days.minimum, 0)} %"
        base = days.judgement.base_days
        noun, link = ("dia", "de") if base == 1 else ("dias", "dos")
        if base > days.lesson_days:
            planned = "previsto" if base == 1 else "previstos"
            yield f"Faltou a {days.absence_count} {link} {base} {noun} de aula {planned} no ano (frequência de {share})."
        else:
            yield f"Veio a {base - days.absence_count} {link} {base} {noun} de aula ({share})."
    if rules and year.is_decided and 0 < days.class_days < rules["year_days"]:
        yield f"A turma teve {days.class_days} dos {rules['year_days']} dias de aula que o ano deve ter (LDB, art. 24, I)."
    if not year.subjects and not (rules and rules["assessment"] == "none"):
        yield "A turma não tem disciplinas."


def _lost_attendance(year: StudentYear) -> Iterator[str]:
    advice = "Fale com a escola: algumas redes permitem compensar faltas."
    if year.days.is_enough is not False or year.rules["retention"] == "none":
        return
    excess = -year.days.absences_left
    if excess > 0:
        yield f"Faltou {excess} {'dia' if excess == 1 else 'dias'} a mais que o permitido. {advice}"


def _needed_grades(year: StudentYear) -> Iterator[str]:
    lost = [s for s in _deciding(year) if _is_lost(year, s)]
    is_approved_by_council = year.enrolment.approved_by_council
    yield from _needed_by_text(year, lost if is_approved_by_council else [])
    if lost and not is_approved_by_council:
        yield from _lost_subjects(year, lost)


def _deciding(year: StudentYear) -> list[SubjectYear]:
    """Return the subjects that can retain the student."""
    if year.rules["retention"] != "grades_and_attendance":
        return []
    return [s for s in year.subjects if s.counts]


def _needed_by_text(year: StudentYear, unsaid: list[SubjectYear]) -> Iterator[str]:
    """Yield what subjects need, said once for those that need the same."""
    texts: dict[str, list[str]] = {}
    for s in _deciding(year):
        is_due = s.result == "recovery" or s.needed_tenths or _needs_concept(year, s)
        if is_due and s not in unsaid:
            texts.setdefault(_needed(year, s), []).append(_name(s))
    for text, names in texts.items():
        yield f"{listing(names)}: {text}."


def _lost_subjects(year: StudentYear, lost: list[SubjectYear]) -> Iterator[str]:
    allowed = year.rules["dependencies"]
    if len(lost) <= allowed:
        yield f"Pode passar de ano devendo {_owing(year, lost)}."
        return
    unsaid = lost if allowed else [s for s in lost if s.result == "failed"]
    if unsaid:
        yield f"{listing([*map(_name, unsaid)])}: {COUNCIL}."


def _needed(year: StudentYear, subject: SubjectYear) -> str:
    """Return what the subject still needs, after its name."""
    if subject.has_given_concepts:
        last = _last_due_term(subject)
        exam = "na recuperação"
        where = _terms(year, "no", [last]) if subject.result == "open" else exam
        return f"precisa tirar pelo menos {_mark(subject)} {where} para passar"
    needed, rules = subject.needed_tenths, year.rules
    grade = number(Fraction(needed, 10))
    ending = "" if rules["dependencies"] else f"; {COUNCIL}"
    if subject.result == "recovery":
        if needed == 0:
            return "precisa fazer a recuperação e passa com qualquer nota"
        if needed <= grading.MAX_TENTHS:
            return f"precisa tirar pelo menos {grade} na recuperação para passar"
        mark = number(grading.recovery_pass_mark(rules))
        return f"nem com 10,0 na recuperação chegaria a {mark}{ending}"
    where = _terms(year, "no", subject.missing_terms)
    mark = grading.pass_mark(rules)
    if Fraction(needed, 10) <= mark:
        return f"basta tirar {grade} {where} para passar"
    if needed <= grading.MAX_TENTHS:
        return f"precisa tirar pelo menos {grade} {where} para passar"
    ending = ending if _is_lost(year, subject) else "; pode passar pela recuperação"
    return f"nem com 10,0 {where} chega a {number(mark)}{ending}"


def _needs_concept(year: StudentYear, subject: SubjectYear) -> bool:
    """Return whether the concept that decides is still to be given, and may fail."""
    if not subject.has_given_concepts or subject.result != "open":
        return False
    may_fail = year.rules["pass_concept"] != year.rules["scale"][0]["label"]
    return may_fail and _last_due_term(subject) in subject.missing_terms


def _last_due_term(subject: SubjectYear) -> int:
    """Return the last term that has a concept or lacks one that is due."""
    terms = subject.entries.terms
    given = [n for n, concept in enumerate(terms, 1) if concept is not None]
    return max([*given, *subject.missing_terms], default=len(terms))


def _is_lost(year: StudentYear, subject: SubjectYear) -> bool:
    """Return whether neither the best terms nor the best exam pass the subject."""
    if subject.result == "failed":
        return True
    if subject.result == "recovery":
        return (subject.needed_tenths or 0) > grading.MAX_TENTHS
    if subject.result != "open":
        return False
    is_given = subject.has_given_concepts
    top = year.rules["scale"][-1]["label"] if is_given else grading.MAX_TENTHS
    judge = grading.judge_concepts if is_given else grading.judge_subject
    terms, _exam, duty = subject.entries
    best = [top if n in subject.missing_terms else t for n, t in enumerate(terms, 1)]
    without_exam, with_exam = (
        judge(year.rules, best, exam, duty).standing for exam in (None, top)
    )
    return without_exam == "failed" or not {without_exam, with_exam} & PASSED


def _absences_left(year: StudentYear) -> Iterator[str]:
    left, days = year.days.absences_left, year.days
    if year.rules["retention"] == "none":
        return
    days_to_come = days.planned_days - days.lesson_days
    if left < 0 or left >= days_to_come:
        return
    if left == 0:
        yield "Não pode mais faltar a nenhum dia sem perder o ano por faltas."
    else:
        yield f"Ainda pode faltar a {left} {'dia' if left == 1 else 'dias'} sem perder o ano por faltas."


def _name(subject: SubjectYear) -> str:
    return subject.subject.name


def _grade(subject: SubjectYear) -> str:
    if subject.has_given_concepts:
        return subject.last_concept
    return number(subject.mean if subject.final is None else subject.final)


def _mark(subject: SubjectYear) -> str:
    """Return the mark or concept that the subject was compared with."""
    if subject.has_given_concepts:
        return subject.rules["pass_concept"]
    if subject.has_effective_exam:
        return number(grading.recovery_pass_mark(subject.rules))
    return number(grading.pass_mark(subject.rules))
