"""The rule profiles that come with the service, to begin with."""

from dataclasses import dataclass
from decimal import Decimal

from school.rules.profile import Rules


@dataclass(frozen=True)
class Shipped:
    """A profile as it is first loaded into a network."""

    code: str
    name: str
    source: str
    rules: Rules


PROFILES: tuple[Shipped, ...] = (
    Shipped(
        "amazonas",
        "Amazonas, rede estadual",
        "Amazonas, 2022",
        Rules(terms=4, pass_mark=Decimal("6.0"), recovery_rule="weighted"),
    ),
)
