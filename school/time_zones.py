"""Time zones of Brazil by their IANA names, and their names in plain words."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

STATES = {
    "America/Rio_Branco": "Acre",
    "America/Eirunepe": "Amazonas (oeste)",
    "America/Manaus": "Amazonas",
    "America/Boa_Vista": "Roraima",
    "America/Porto_Velho": "Rondônia",
    "America/Cuiaba": "Mato Grosso",
    "America/Campo_Grande": "Mato Grosso do Sul",
    "America/Santarem": "Pará (oeste)",
    "America/Belem": "Pará, Amapá",
    "America/Araguaina": "Tocantins",
    "America/Fortaleza": "Maranhão, Piauí, Ceará, Rio Grande do Norte, Paraíba",
    "America/Recife": "Pernambuco",
    "America/Maceio": "Alagoas, Sergipe",
    "America/Bahia": "Bahia",
    "America/Sao_Paulo": "Distrito Federal, Goiás, Sudeste, Sul",
    "America/Noronha": "Fernando de Noronha",
}
"""The zones of Brazil with the states that keep them."""
CHOICES = [(name, f"{states} – {name}") for name, states in STATES.items()]
MAX_NAME_LENGTH = 40

_WORDS: dict[str, str | Promise] = {
    "America/Sao_Paulo": _("Brasília time"),
    "America/Manaus": _("Amazonas time"),
    "America/Rio_Branco": _("Acre time"),
    "America/Noronha": _("Fernando de Noronha time"),
    "America/Boa_Vista": _("Roraima time"),
    "America/Porto_Velho": _("Rondônia time"),
    "America/Cuiaba": _("Mato Grosso time"),
    "America/Campo_Grande": _("Mato Grosso do Sul time"),
}
"""Names of the zones that people know; the first four stand for others of the same time."""
_REFERENCES = list(_WORDS)[:4]


def shared_zone(places: Iterable[tuple[str, str]]) -> ZoneInfo:
    """Return the zone of all places, each given by its own zone and that of its network.

    Of places with different zones it is their network's, and of networks with different
    zones, or without any place, the service's. An empty name stands for the next wider zone.
    """
    service = settings.TIME_ZONE
    pairs = [(own, network or service) for own, network in places]
    zones = {own or network for own, network in pairs}
    if len(zones) > 1:
        zones = {network for _own, network in pairs}
    return ZoneInfo(zones.pop() if len(zones) == 1 else service)


def zone_words(moment: datetime) -> str:
    """Return the name of the moment's time zone in the active language: horário do Acre.

    A zone without a name of its own has that of one with the same time at that moment: in
    Recife the clocks differ from Brasília's whenever only Brasília has summer time.
    """
    name = getattr(moment.tzinfo, "key", "")
    if name not in _WORDS:
        name = next(
            filter(lambda other: _has_same_time(moment, other), _REFERENCES), ""
        )
    if name:
        return str(_WORDS[name])
    return f"UTC{moment.isoformat(timespec='minutes')[16:]}"


def _has_same_time(moment: datetime, zone: str) -> bool:
    return moment.astimezone(ZoneInfo(zone)).utcoffset() == moment.utcoffset()
