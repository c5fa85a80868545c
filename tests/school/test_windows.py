"""Import of the project where Windows lacks the modules and functions of POSIX.

No Windows machine runs these tests. A child process loads the libraries, then removes what
Windows lacks, calls itself `win32`, and only then imports the project.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
POSIX_MODULES = {"api.http.gunicorn_worker", "tasks.rendering.pdf.typesetter_child"}
"""Modules that only gunicorn and the typesetter's own process load."""
POSIX_CALL = re.compile(r"os\.fork|AF_UNIX|socketpair|send_fds|recvmsg")
CODE = """
import importlib, io, json, pkgutil, sys, traceback
import _socket, os, signal, socket, subprocess, tempfile
# The libraries, for which the machine is what it is.
import celery.bin.celery, celery.concurrency.prefork, django.core.management, drf_spectacular
import gevent, limits, multiprocessing, psycopg_pool, pydantic, redis, rest_framework, typst
import django_structlog.celery.steps, whitenoise.middleware

MISSING_MODULES = {"fcntl", "grp", "posix", "pwd", "resource", "syslog", "termios"}
MISSING_NAMES = {
    os: ["EX_TEMPFAIL", "fork", "getuid", "killpg", "pread", "setsid", "umask"],
    signal: ["SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1"],
    socket: ["AF_UNIX", "CMSG_SPACE"],
    _socket: ["AF_UNIX", "CMSG_SPACE"],
}

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in MISSING_MODULES:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Finder)
for name in MISSING_MODULES:
    sys.modules.pop(name, None)
for module, names in MISSING_NAMES.items():
    for name in names:
        delattr(module, name)
sys.platform = "win32"

import django
from django.core.management import CommandError, call_command

django.setup()
failed = {}
for package in ("school", "tasks", "api"):
    path = importlib.import_module(package).__path__
    for module in pkgutil.walk_packages(path, package + "."):
        try:
            importlib.import_module(module.name)
        except Exception:
            failed[module.name] = traceback.format_exc()
from school.celery import app
app.loader.import_default_modules()
try:
    call_command("up", stdout=io.StringIO())
except CommandError as error:
    refusal = str(error)
tasks = sorted(name for name in app.tasks if not name.startswith("celery."))
print(json.dumps({"failed": failed, "tasks": tasks, "refusal": refusal}))
"""


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The results of the child process."""
    options = ["-c", CODE]
    folder = tmp_path_factory.mktemp("var")
    environment = {
        **os.environ,
        "VAR_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'school.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "school.settings",
    }
    process = subprocess.run(
        [sys.executable, *options],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[-1])


def test_import_on_windows_succeeds_but_for_posix_modules(windows):
    assert set(windows["failed"]) == POSIX_MODULES, windows["failed"]


def test_posix_calls_are_only_where_the_guide_says():
    """The guide in Portuguese says what does not work on Windows, and where `umask` is."""
    packages = [
        path
        for name in ("school", "tasks", "api")
        for path in (ROOT / name).rglob("*.py")
    ]
    texts = {path.relative_to(ROOT).as_posix(): path.read_text() for path in packages}

    assert [name for name, text in texts.items() if "os.umask" in text] == [
        "school/runtime/startup.py"
    ]
    assert {name for name, text in texts.items() if POSIX_CALL.search(text)} == {
        "tasks/rendering/pdf/typesetter.py", "tasks/rendering/pdf/typesetter_child.py",
    }  # fmt: skip


def test_celery_tasks_on_windows_are_all_registered(windows):
    assert windows["tasks"] == [
        "tasks.generate_report", "tasks.run_commands", "tasks.sweep",
    ]  # fmt: skip


def test_up_on_windows_is_refused_with_the_reason(windows):
    assert "gunicorn" in windows["refusal"]
    assert "docs/pt-BR/README.md" in windows["refusal"]
