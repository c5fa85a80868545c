"""Generator of docs/rules.md: the default rules in sentences, with computed examples."""

import sys
from collections.abc import Iterator
from pathlib import Path

import django
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# The grading package needs no project settings except the language.
settings.configure(LANGUAGE_CODE="pt-br", LOCALE_PATHS=[ROOT / "school" / "locale"])
django.setup()

import boundaries  # noqa: E402

from school.grading import labels  # noqa: E402
from school.grading.default_profiles import DEFAULT_PROFILES, DefaultProfile  # noqa: E402
from school.grading.outcome import Situation  # noqa: E402
from school.grading.rules import Rules  # noqa: E402
from school.grading.scale import MAX_GRADE  # noqa: E402

PAGE_PATH = ROOT / "docs" / "rules.md"
HEAD = """\
*In English: this page explains to schools how the default rule profiles decide a year. `make generate` writes it from the
profiles and the grading engine (`docs/rules.py`).*

# As regras com que um ano é julgado

Cada rede escolhe um perfil de regras para cada ano letivo e série, e pode mudar todos os seus números. Estes são os perfis
que vêm com o sistema. Confira a fonte de cada um antes de usar: onde está escrito que algo não foi verificado, ninguém o
comparou com o ato da rede. Os números e as frases das tabelas são os que o próprio sistema calcula e escreve nos relatórios.
"""
SITUATION_ORDER = (
    ("se o aluno saiu antes do fim das aulas, o motivo da saída", Situation.TRANSFERRED, Situation.LEFT),
    ("as regras não têm notas, e o ano está aberto", Situation.IN_PROGRESS),
    ("falta alguma nota, nenhuma é devida, ou a turma não tem disciplina, e o ano está aberto", Situation.IN_PROGRESS),
    ("falta alguma nota, ou a turma não tem disciplina, e o ano está fechado", Situation.INCOMPLETE),
    ("falta a nota de alguma recuperação, e o ano está aberto; fechado o ano, a disciplina fica sem aprovação", Situation.IN_RECOVERY),
    ("só a frequência está abaixo da mínima, e ainda pode chegar a ela", Situation.IN_PROGRESS),
    ("passaria por uma das linhas seguintes, mas o conselho de classe reteve", Situation.FAILED_BY_COUNCIL),
    ("só a frequência ficou abaixo da mínima, e as regras não retêm ninguém", Situation.PROMOTED),
    ("só a frequência ficou abaixo da mínima, ou as notas não retêm", Situation.FAILED_BY_ATTENDANCE),
    ("a frequência e alguma disciplina ficaram abaixo", Situation.FAILED),
    ("as regras não têm notas", Situation.PROMOTED),
    ("passou em todas as disciplinas, em alguma só depois da recuperação", Situation.APPROVED_AFTER_RECOVERY),
    ("passou em todas sem recuperação", Situation.APPROVED),
    ("não passou em todas, mas as notas não retêm", Situation.PROMOTED),
    ("não passou em todas, mas o conselho de classe aprovou", Situation.APPROVED_BY_COUNCIL),
    ("não passou em algumas, não mais que o perfil permite em dependência", Situation.APPROVED_WITH_DEPENDENCY),
    ("não passou em mais do que isso", Situation.FAILED),
)  # fmt: skip
DUTIES = """\
## O que cada estudante deve em cada disciplina

- **Dispensa.** Um período dispensado não conta: a média é a dos outros, com os seus pesos. Quem é dispensado de todos os
  períodos está dispensado da disciplina, que então não conta para o ano. Uma nota em período dispensado não conta, e o
  relatório diz quantas deixou de fora. Notas 5,4 · 6,7 · 10,0 com o 1º período dispensado: (5,4 + 6,7 + 10,0) / 3 = 7,3666…
- **Chegada no meio do ano.** Um período que acabou antes da matrícula, e no qual o estudante não esteve matriculado nessa
  etapa nenhum dia, não falta: chegou no 2º período, foi reclassificado, ou esteve fora. Se há nota dele, ela conta como
  qualquer outra. Quem saiu continua a dever os períodos depois da saída.
- **Disciplina de algumas etapas.** Numa turma multisseriada, uma disciplina pode ser só de algumas das etapas.
- **Disciplina optativa.** Quem não tem nela nenhuma nota não a cursou, e ela não conta; com uma nota, é como as outras.
- **Disciplina que não conta para a promoção.** É julgada e mostrada, mas não decide o ano.

## Anos sem notas, e anos que não retêm

- **Sem notas**: o ano é julgado só pela frequência, e acaba em **{promoted}** quando é fechado.
- **Progressão continuada**: as notas não retêm; quem não passou em alguma disciplina fica **{promoted}**. A frequência retém.
- **Ninguém é retido**: também a frequência não retém. Ela é conferida e dita.
- **Ciclos** que só retêm no fim: progressão continuada nas etapas do ciclo, e um perfil que retém na última etapa.
- **Faltam notas**: o ano fechado fica **{incomplete}**, também onde nada retém: ninguém inventa um resultado.
- **O conselho de classe** pode aprovar quem não passou, e reter quem passaria.
- **Conceitos atribuídos** pelos professores: vale o conceito do último período devido, e o da recuperação se for mais alto;
  passa quem tem o conceito mínimo do perfil ou um mais alto. Números não se misturam com eles.

## Recuperação de cada período

Um perfil pode ter uma recuperação em cada período (`term_recovery`): vale a maior das duas notas, ou a média delas. A nota do
período é então a que resulta: 5,0 com recuperação 7,5 dá 7,5, ou (5,0 + 7,5) / 2 = 6,25. Sem a nota do período não há
recuperação dele. O desempenho da turma (`class_performance`) conta as notas como foram dadas, antes da recuperação.
"""
TERM_KINDS = {
    "bimester": "bimestres",
    "trimester": "trimestres",
    "semester": "semestres",
    "term": "períodos",
}
ROUNDINGS = {"half_up": "com o meio para cima", "up": "para cima", "down": "para baixo"}
ATTENDANCE_BASES = {
    "given": "dos dias letivos dados",
    "planned": "dos dias letivos previstos",
}


def build_page() -> str:
    duties = DUTIES.format(
        promoted=labels.situation_label(Situation.PROMOTED),
        incomplete=labels.situation_label(Situation.INCOMPLETE),
    )
    parts = [HEAD, _situation_section(), duties]
    for profile in DEFAULT_PROFILES:
        parts.append(_profile_section(profile))
    return "\n".join(parts)


def _situation_section() -> str:
    lines = [
        f"{number}. {text}: **{' … '.join(map(labels.situation_label, situations))}**"
        for number, (text, *situations) in enumerate(SITUATION_ORDER, 1)
    ]
    return "\n".join(
        [
            "## Como se chega à situação do ano",
            "",
            "A primeira linha que serve dá a situação. Os motivos são ditos todos, também os das outras linhas.",
            "",
            *lines,
            "",
            "Uma média só é comparada depois de arredondada pela regra do perfil, e nunca pelo que aparece na tela: 5,995 fica"
            " abaixo de 6,0, e 74,96 % abaixo de 75 %. A média de só algumas notas não é arredondada. Falta justificada é falta.",
            "",
            "Quem sai depois do último dia de aula (transferência em dezembro ou janeiro, também falecimento) mantém o resultado do"
            " ano. Um ano fechado não promete nada: não diz que nota ainda é necessária nem quantas faltas ainda cabem, e o limite"
            " do Conselho Tutelar é o dos dias dados, a menos que a base do perfil sejam os dias previstos. Se a turma teve menos"
            " dias letivos que os previstos (LDB, art. 24, I), o resultado do ano fechado o diz.",
            "",
        ]
    )


def _profile_section(profile: DefaultProfile) -> str:
    rules = profile.rules
    return "\n".join(
        [
            f"## {profile.name}",
            "",
            f"Código: `{profile.code}`. Fonte: {profile.source}",
            "",
            *(f"- {sentence}" for sentence in _sentences(rules)),
            "",
            *_subject_section(rules),
            "### Frequência no limite",
            "",
            *boundaries.attendance_rows(rules),
            "",
            "### Anos no limite",
            "",
            *boundaries.year_rows(rules),
            "",
        ]
    )


def _subject_section(rules: Rules) -> Iterator[str]:
    if rules.assessment == "grades":
        yield from (
            "### Disciplinas no limite",
            "",
            *boundaries.subject_rows(rules),
            "",
        )


def _sentences(rules: Rules) -> Iterator[str]:
    if rules.assessment == "grades":
        yield from _grade_sentences(rules)
    else:
        yield f"O ano tem {rules.terms} {TERM_KINDS[rules.term_kind]}, sem notas."
    yield from _attendance_sentences(rules)
    yield _retention_sentence(rules)
    if rules.scale:
        bands = "; ".join(
            f"{b.label} de {labels.format_number(b.lowest)} a {labels.format_number(b.highest)}"
            for b in rules.scale
        )
        yield (
            f"As notas aparecem como conceitos: {bands}. Uma média entre duas faixas fica na"
            " de baixo."
        )


def _grade_sentences(rules: Rules) -> Iterator[str]:
    pass_mark = labels.format_number(rules.pass_mark)
    yield (
        f"O ano tem {rules.terms} {TERM_KINDS[rules.term_kind]}, cada um com uma nota de"
        f" {labels.format_number(0)} a {labels.format_number(MAX_GRADE)} em cada disciplina."
    )
    yield _mean_sentence(rules)
    yield _rounding_sentence(rules)
    yield f"Passa na disciplina quem tem média de {pass_mark} ou mais."
    yield from _recovery_sentences(rules)


def _attendance_sentences(rules: Rules) -> Iterator[str]:
    minimum = labels.format_number(rules.minimum_attendance, min_decimals=0)
    yield (
        f"A frequência mínima é de {minimum} % {ATTENDANCE_BASES[rules.attendance_base]}, no ano todo e"
        " não por disciplina."
    )
    yield f"O ano deve ter {rules.year_days} dias letivos."
    limit = labels.format_number(rules.council_absences, min_decimals=0)
    yield (
        f"Quem falta a mais de {limit} % dos dias letivos previstos entra na lista do"
        f" Conselho Tutelar: em {rules.year_days} dias, a partir de {boundaries.council_threshold(rules)} faltas."
    )


def _retention_sentence(rules: Rules) -> str:
    if rules.retention == "none":
        return "Ninguém é retido, nem pela frequência."
    if rules.retention == "attendance":
        return "As notas não retêm ninguém; a frequência retém."
    if rules.dependencies:
        return f"Em dependência: até {rules.dependencies} disciplina(s)."
    return (
        "Não há dependência: quem não passa em uma disciplina fica retido, a menos que o conselho"
        " de classe aprove."
    )


def _mean_sentence(rules: Rules) -> str:
    if rules.mean_rule == "weighted":
        weights = ", ".join(map(str, rules.term_weights))
        return f"A média do ano é ponderada; os pesos são {weights}."
    return f"A média do ano é a soma das notas dividida por {rules.terms}."


def _rounding_sentence(rules: Rules) -> str:
    if rules.rounding == "none":
        return "Nenhuma média é arredondada."
    step = labels.format_number(rules.rounding_step)
    return f"As médias são arredondadas a {step}, {ROUNDINGS[rules.rounding]}."


def _recovery_sentences(rules: Rules) -> Iterator[str]:
    arithmetic = rules.grade_arithmetic
    if not arithmetic.has_recovery:
        yield "Não há recuperação final."
        return
    if arithmetic.recovery_rule == "replace_if_higher":
        formula = "vale a maior entre a média e a nota da recuperação"
    elif arithmetic.mean_weight == arithmetic.exam_weight:
        formula = "a média final é (média + nota da recuperação) / 2"
    else:
        total_weight = arithmetic.mean_weight + arithmetic.exam_weight
        formula = (
            f"a média final é (média × {arithmetic.mean_weight} + nota da recuperação ×"
            f" {arithmetic.exam_weight}) / {total_weight}"
        )
    recovery_mark = labels.format_number(arithmetic.recovery_pass_mark)
    yield f"Quem não passa faz a recuperação final: {formula}, e passa com {recovery_mark} ou mais."
    yield (
        "Quem precisaria de mais que a nota máxima já não faz a recuperação."
        if rules.fail_if_unrecoverable
        else "Quem precisaria de mais que a nota máxima fica em recuperação, e o relatório diz que"
        " não alcança."
    )


def main() -> int:
    text = build_page()
    if "--check" in sys.argv:
        return int(not PAGE_PATH.exists() or PAGE_PATH.read_text() != text)
    PAGE_PATH.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
