"""Every kind on networks that chance makes, against the reckoning."""

import os

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tasks.reporting import registry
from tests.tasks.reports.figures import random_networks
from tests.tasks.reports.figures.oracle import KINDS, World, expected
from tests.tasks.reports.figures.report_rows import plain_rows, without_texts

MANY = int(os.environ.get("FIGURE_EXAMPLES", "80"))
EXAMPLES = [20, pytest.param(MANY, marks=pytest.mark.deep("dozens of networks"))]
SEED = os.environ.get("FIGURE_SEED")
WHO = st.sampled_from([0, 0, 1, 2, 3])
"""The administrator, who sees the most, twice as often as each of the others."""


def check(plan: random_networks.Plan, who: int) -> None:
    network, viewers = random_networks.build(plan)
    reckoned = World(network)
    for kind in KINDS:
        if viewers[who].role in registry.get_report_class(kind).allowed_roles:
            rows = plain_rows(viewers[who], kind, {"year": 2026})
            wanted = expected(kind, viewers[who], {"year": 2026}, reckoned)
            assert without_texts(kind, rows) == wanted, kind


@pytest.mark.django_db
@pytest.mark.timeout(600)
@pytest.mark.parametrize("examples", EXAMPLES)
def test_whatever_network_there_is_every_figure_is_as_reckoned(examples):
    @given(random_networks.plans(), WHO)
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=SEED is None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    def whatever(plan: random_networks.Plan, who: int) -> None:
        with transaction.atomic():
            check(plan, who)
            transaction.set_rollback(True)

    if SEED is not None:
        whatever = seed(int(SEED))(whatever)
    whatever()
