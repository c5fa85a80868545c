"""The service that the end-to-end tests share."""

from collections.abc import Iterator

import pytest

from tests.support.environment import DATABASE
from tests.support.stack import Stack, create_database


@pytest.fixture(scope="package")  # its processes would take time from all later tests
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole service as real processes, with the demo network."""
    database_url = create_database() if DATABASE == "postgresql" else ""
    with Stack(tmp_path_factory.mktemp("stack"), database_url) as service:
        yield service
