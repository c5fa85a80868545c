import os
import subprocess
import sys
from pathlib import Path

import pytest

from school.models import User
from school.runtime.processes import MANAGE_PY
from tests.support.xdist_scheduler import GROUPS, LONG_RUNNING, group_of

TESTS_DIR = Path(__file__).parent


def test_stack_tests_are_in_a_group(request):
    with_service = [
        item.nodeid for item in request.session.items if "stack" in item.fixturenames
    ]

    assert [nodeid for nodeid in with_service if group_of(nodeid) is None] == []


def test_groups_name_existing_files():
    prefixes = [
        *LONG_RUNNING,
        *(prefix for group in GROUPS.values() for prefix in group),
    ]

    assert [
        prefix for prefix in prefixes if not list(TESTS_DIR.glob(f"{prefix}*"))
    ] == []
    assert group_of("tests/e2e/test_pdf_reports.py::test_some[a]") == "workers"
    assert group_of("tests/api/views/test_me.py::test_some") is None


def test_database_without_mark_is_refused():
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        User.objects.exists()

    process = subprocess.run(
        [sys.executable, str(MANAGE_PY), "showmigrations"],
        env=dict(os.environ),
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1
    assert "unable to open database file" in process.stderr
