"""Rows of a sheet, the same for all variants: ten columns with all types of reports.

Imports only the standard library, because the peers use it in their own environment.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random

Cell = str | int | Decimal | date | bool
COLUMNS = {
    "school": "text",
    "class": "text",
    "number": "integer",
    "registration": "text",
    "student": "text",
    "subject": "text",
    "mean": "decimal",
    "attendance": "percent",
    "entry": "date",
    "passed": "boolean",
}
_FIRST_DAY = date(2026, 2, 9)


def rows(count: int) -> Iterator[tuple[Cell, ...]]:
    random = Random(1)
    for number in range(count):
        hundredths = random.randrange(1001)
        yield (
            f"Escola Municipal Prof. Antônio Conceição {number // 5000 + 1}",
            f"{number // 250 % 9 + 1}º ano, turma {number // 250 + 1}",
            number // 10 % 25 + 1,
            f"2026{number // 10:07}",
            f"João Henrique de Abreu Nóbrega {number // 10 + 1}",
            f"Língua Portuguesa {number % 10}",
            Decimal(hundredths).scaleb(-2),
            Decimal(random.randrange(1001)).scaleb(-1),
            _FIRST_DAY + timedelta(days=random.randrange(300)),
            hundredths >= 600,
        )
