import os
import subprocess
import sys
from pathlib import Path

import pytest

from school.models import User
from school.runtime.processes import MANAGE_PY
from tests.support.xdist_scheduler import GROUPS, LONG_RUNNING, group_of

TESTS_DIR = Path(__file__).parent


def test_what_shares_a_service_is_in_a_group(request):
    with_service = [
        item.nodeid for item in request.session.items if "stack" in item.fixturenames
    ]

    assert [nodeid for nodeid in with_service if group_of(nodeid) is None] == []


def test_groups_are_of_files_that_are_there():
    begins = [*LONG_RUNNING, *(begin for group in GROUPS.values() for begin in group)]

    assert [begin for begin in begins if not list(TESTS_DIR.glob(f"{begin}*"))] == []
    assert group_of("tests/e2e/test_pdf_reports.py::test_some[a]") == "workers"
    assert group_of("tests/api/views/test_me.py::test_some") is None


def test_who_is_run_on_sqlite_alone_comes_to_no_database():
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        User.objects.exists()

    tried = subprocess.run(
        [sys.executable, str(MANAGE_PY), "showmigrations"],
        env=dict(os.environ),
        capture_output=True,
        text=True,
    )
    assert tried.returncode == 1
    assert "unable to open database file" in tried.stderr
