import zoneinfo
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from school.time_zones import MAX_NAME_LENGTH, STATES, shared_zone, zone_words

ACRE, AMAZONAS, BRASILIA = "America/Rio_Branco", "America/Manaus", "America/Sao_Paulo"


def test_zones_are_all_zones_of_brazil():
    tables = [Path(folder, "zone.tab") for folder in zoneinfo.TZPATH]
    [table, *_] = filter(Path.is_file, tables)
    lines = [line.split("\t") for line in table.read_text().splitlines()]

    assert set(STATES) == {fields[2] for fields in lines if fields[0] == "BR"}
    assert max(map(len, STATES)) <= MAX_NAME_LENGTH


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        pytest.param([], "Asia/Tokyo", id="no place: the service's"),
        pytest.param([("", "")], "Asia/Tokyo", id="neither has one: the service's"),
        pytest.param([("", ACRE)], ACRE, id="network's before the service's"),
        pytest.param([(BRASILIA, ACRE)], BRASILIA, id="school's before the network's"),
        pytest.param([(BRASILIA, "")], BRASILIA, id="school's without a network's"),
        pytest.param([(ACRE, AMAZONAS), ("", AMAZONAS)], AMAZONAS, id="different: network's"),
        pytest.param([(ACRE, ""), ("", "")], "Asia/Tokyo", id="different: service's"),
        pytest.param([(ACRE, AMAZONAS), ("", ACRE)], ACRE, id="two networks, one zone"),
        pytest.param([("", AMAZONAS), ("", ACRE)], "Asia/Tokyo", id="two networks, two zones"),
        pytest.param([(ACRE, AMAZONAS), (ACRE, AMAZONAS)], ACRE, id="all schools' own"),
    ],
)  # fmt: skip
def test_shared_zone_is_the_narrowest_one_of_all(settings, places, expected):
    # pytest-django reloads Django's zone, but the process keeps its environment.
    settings.TIME_ZONE = "Asia/Tokyo"

    assert shared_zone(places).key == expected


@pytest.mark.parametrize(
    ("zone", "month", "words"),
    [
        (ACRE, "2026-12", "horário do Acre"),
        ("America/Eirunepe", "2026-12", "horário do Acre"),
        (AMAZONAS, "2026-12", "horário do Amazonas"),
        ("America/Cuiaba", "2026-12", "horário de Mato Grosso"),
        (BRASILIA, "2026-12", "horário de Brasília"),
        ("America/Recife", "2026-12", "horário de Brasília"),
        ("America/Noronha", "2026-12", "horário de Fernando de Noronha"),
        # Brasília had summer time, which Pernambuco did not keep.
        (BRASILIA, "2018-12", "horário de Brasília"),
        ("America/Recife", "2018-12", "UTC-03:00"),
        ("America/Recife", "2018-07", "horário de Brasília"),
        ("Asia/Kathmandu", "2026-12", "UTC+05:45"),
    ],
)
def test_zone_is_named_in_words_that_are_true_at_the_moment(zone, month, words):
    moment = datetime.fromisoformat(f"{month}-03T17:34").replace(tzinfo=ZoneInfo(zone))

    with override("pt-br"):
        assert zone_words(moment) == words


@pytest.mark.parametrize("zone", STATES)
def test_every_zone_of_brazil_has_words(zone):
    with override("en"):
        assert zone_words(datetime(2026, 12, 3, tzinfo=ZoneInfo(zone))).endswith("time")


def test_utc_is_named_by_its_offset():
    assert zone_words(datetime(2026, 12, 3, tzinfo=UTC)) == "UTC+00:00"
