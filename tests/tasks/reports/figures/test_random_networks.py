"""Every report kind on random networks, compared with the oracle."""

import os

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tasks.reporting import registry
from tests.support.oracle.selection import Dataset
from tests.tasks.reports.figures import random_networks
from tests.tasks.reports.figures.expected import (
    EXPECTED,
    FIGURE_KINDS,
    expected_rows,
)
from tests.tasks.reports.figures.report_rows import build_rows

MANY = int(os.environ.get("FIGURE_EXAMPLES", "80"))
EXAMPLES = [20, pytest.param(MANY, marks=pytest.mark.deep("dozens of networks"))]
SEED = os.environ.get("FIGURE_SEED")
VIEWER_INDEXES = st.sampled_from([0, 0, 1, 2, 3])
"""Viewer indexes; the administrator, who sees the most, is twice as likely as others."""


YEARS = st.sampled_from([2026, 2026, 2025, 2027])


def check_plan(plan: random_networks.NetworkPlan, viewer_index: int, year: int) -> None:
    network, viewers = random_networks.build_network(plan)
    dataset = Dataset(network)
    for kind in FIGURE_KINDS:
        if viewers[viewer_index].role in registry.get_report_class(kind).allowed_roles:
            rows = build_rows(viewers[viewer_index], kind, {"year": year})
            expected = expected_rows(
                kind, viewers[viewer_index], {"year": year}, dataset
            )
            assert EXPECTED[kind].drop_texts(rows) == expected, kind


@pytest.mark.django_db
@pytest.mark.timeout(600)
@pytest.mark.parametrize("examples", EXAMPLES)
def test_rows_of_random_network_match_oracle(examples):
    @given(random_networks.network_plans(), VIEWER_INDEXES, YEARS)
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=SEED is None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    def check_random_plan(
        plan: random_networks.NetworkPlan, viewer_index: int, year: int
    ) -> None:
        with transaction.atomic():
            check_plan(plan, viewer_index, year)
            transaction.set_rollback(True)

    if SEED is not None:
        check_random_plan = seed(int(SEED))(check_random_plan)
    check_random_plan()
