"""Fixtures of the tests of tasks."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def artifacts_dir(settings: Any, tmp_path: Path) -> Path:
    """Empty artifact directory of one test."""
    settings.ARTIFACTS_DIR = tmp_path
    return tmp_path
