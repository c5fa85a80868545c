"""Every kind on networks that chance makes, against the reckoning."""

import os

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tasks.reporting import registry
from tests.tasks.reports.figures import random_networks
from tests.tasks.reports.figures.oracle import KINDS, Dataset, expected_rows
from tests.tasks.reports.figures.report_rows import build_rows, drop_free_text

MANY = int(os.environ.get("FIGURE_EXAMPLES", "80"))
EXAMPLES = [20, pytest.param(MANY, marks=pytest.mark.deep("dozens of networks"))]
SEED = os.environ.get("FIGURE_SEED")
VIEWER_INDEXES = st.sampled_from([0, 0, 1, 2, 3])
"""The administrator, who sees the most, twice as often as each of the others."""


def check_plan(plan: random_networks.NetworkPlan, viewer_index: int) -> None:
    network, viewers = random_networks.build_network(plan)
    dataset = Dataset(network)
    for kind in KINDS:
        if viewers[viewer_index].role in registry.get_report_class(kind).allowed_roles:
            rows = build_rows(viewers[viewer_index], kind, {"year": 2026})
            wanted = expected_rows(kind, viewers[viewer_index], {"year": 2026}, dataset)
            assert drop_free_text(kind, rows) == wanted, kind


@pytest.mark.django_db
@pytest.mark.timeout(600)
@pytest.mark.parametrize("examples", EXAMPLES)
def test_whatever_network_there_is_every_figure_is_as_reckoned(examples):
    @given(random_networks.network_plans(), VIEWER_INDEXES)
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=SEED is None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    def whatever(plan: random_networks.NetworkPlan, who: int) -> None:
        with transaction.atomic():
            check_plan(plan, who)
            transaction.set_rollback(True)

    if SEED is not None:
        whatever = seed(int(SEED))(whatever)
    whatever()
