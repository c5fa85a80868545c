"""Default rule profiles shipped with the service."""

from dataclasses import dataclass
from decimal import Decimal

from school.grading.rules import Rules
from school.grading.scale import Band


@dataclass(frozen=True, slots=True)
class DefaultProfile:
    """A shipped profile; a network that adopts it may revise its own copy."""

    code: str
    name: str
    source: str
    """Origin of the numbers, and which of them are not verified."""
    rules: Rules


def _make_bands(*bands: tuple[str, str, str]) -> tuple[Band, ...]:
    return tuple(
        Band(label=label, lowest=Decimal(lowest), highest=Decimal(highest))
        for label, lowest, highest in bands
    )


DEFAULT_PROFILES = (
    DefaultProfile(
        code="seduc-am-2022",
        name="SEDUC-AM 2022",
        source=(
            "DOE-AM de 1/4/2022 (uma página, sem o início do ato). Não verificados: as"
            " etapas abrangidas, o número de dependências, o arredondamento, e o que"
            " mudaram o Regimento de dez/2024 e a IN 007/2025, que não foram lidos."
        ),
        rules=Rules(
            terms=4,
            pass_mark=Decimal("6.0"),
            recovery_rule="weighted",
            minimum_attendance=Decimal(75),
        ),
    ),
    DefaultProfile(
        code="i-educar-numerico",
        name="i-Educar, numérico",
        source=(
            "Código-fonte do i-Educar (regra padrão numérica), sem a sua tabela de"
            " arredondamento, que tem um buraco; não é o ato de uma rede."
        ),
        rules=Rules(
            terms=4,
            pass_mark=Decimal("6.0"),
            recovery_rule="weighted",
            recovery_mean_weight=6,
            recovery_exam_weight=4,
            minimum_attendance=Decimal(75),
        ),
    ),
    DefaultProfile(
        code="i-educar-conceitual",
        name="i-Educar, conceitual",
        source=(
            "Código-fonte do i-Educar (regra padrão conceitual), sem a sua tabela de"
            " arredondamento, que tem um buraco; não é o ato de uma rede."
        ),
        rules=Rules(
            terms=4,
            pass_mark=Decimal("6.0"),
            recovery_rule="weighted",
            recovery_mean_weight=6,
            recovery_exam_weight=4,
            minimum_attendance=Decimal(80),
            scale=_make_bands(
                ("E", "0.0", "1.9"),
                ("D", "2.0", "4.9"),
                ("C", "5.0", "6.9"),
                ("B", "7.0", "8.9"),
                ("A", "9.0", "10.0"),
            ),
        ),
    ),
    DefaultProfile(
        code="educacao-infantil-ldb",
        name="Educação infantil, sem notas",
        source=(
            "LDB (Lei 9.394/1996), art. 31: avaliação sem o objetivo de promoção (I) e"
            " frequência mínima de 60 por cento (IV). Não verificados: o número de períodos e os"
            " atos da rede."
        ),
        rules=Rules(
            terms=4,
            assessment="none",
            retention="none",
            minimum_attendance=Decimal(60),
        ),
    ),
    DefaultProfile(
        code="progressao-continuada",
        name="Anos iniciais, progressão continuada",
        source=(
            "Resolução CNE/CEB 7/2010, art. 30: os três anos iniciais sem interrupção; LDB,"
            " art. 24 VI e art. 32 § 2º. Não verificados: a média 6,0, a recuperação e os"
            " atos da rede."
        ),
        rules=Rules(
            terms=4,
            pass_mark=Decimal("6.0"),
            recovery_rule="weighted",
            retention="attendance",
            minimum_attendance=Decimal(75),
        ),
    ),
)
