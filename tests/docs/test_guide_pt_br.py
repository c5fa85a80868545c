"""The guide in Portuguese: links, excerpts and files; its commands, run in order.

Two kinds of commands are not run as they stand. Those for Docker need its daemon and an image
from the network: their image, address and port are compared with `compose.yaml` and the
settings. Those for PowerShell run in bash, with the assignment of variables translated; what
Windows lacks is the subject of `tests/school/test_windows.py`.

The reader's `pip install` runs without the network: the new environment sees the packages of
the tests, so pip compares them with the lock file instead of downloading them.
"""

import os
import re
import shlex
import site
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import yaml

from school.runtime.embedded_redis import EmbeddedRedis, free_port
from tests.support.guide import Fence, Terminal, Walk, lacks_lines, parse_fences
from tests.support.repo_copy import RepoCopy

ROOT = Path(__file__).parent.parent.parent
GUIDE = ROOT / "docs" / "pt-BR" / "README.md"
TEXT = GUIDE.read_text(encoding="utf-8")
FENCES = parse_fences(TEXT)
KINDS = {
    "sh", "sh falha", "sh terminal", "sh docker", "powershell", "powershell terminal",
    "python arquivo", "python trecho", "text", "text log",
}  # fmt: skip
PROSE = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FILE_NAME = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|md|txt|in|yaml|toml))`")
READER_FILES = {f.options["arquivo"] for f in FENCES if "arquivo" in f.options}
CHAPTER_FILES = {"celery.py", "__init__.py", "tasks.py", "notas/tasks.py"}
"""Names of files in the chapter, and of an example."""
MISTAKES = [
    "congfig_from_object", "127:0.0.1", "uma fila a que nenhum `.delay()` chega",
    "um `tasks.py` solto", "Redis é um gerenciador de memória", "linguagem assíncrona",
    "no Windows, gevent é obrigatório", "-p 6379:6379", "celery -A school worker -P gevent -l info",
]  # fmt: skip
CHAPTER_SETTINGS = """
SECRET_KEY = "not secret"
INSTALLED_APPS = {apps}
USE_TZ = True
CELERY_BROKER_URL = CELERY_RESULT_BACKEND = "{url}"
CELERY_TIMEZONE = "America/Manaus"
"""
CHAPTER_CELERY = """
import os
from celery import Celery
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "school.settings")
app = Celery("school")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""
CHAPTER_TASKS = """
from celery import shared_task
@shared_task
def media(notas):
    return sum(notas) / len(notas)
"""
LOST_QUEUE = """
from celery import Celery
from kombu import Queue
app = Celery("fila", broker="{url}", backend="{url}")
app.conf.update(task_queues=[Queue("default")], {option})
@app.task(name="media")
def media(notas):
    return sum(notas) / len(notas)
"""
REQUEST = """
import {app_module}
from {module} import media
try:
    print(media.delay([7, 8, 9]).get(timeout={timeout}))
except Exception as error:
    print(type(error).__name__, error)
"""


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives to a document's headings."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {anchor_of(heading) for heading in headings}


def anchor_of(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    letters = unicodedata.normalize("NFC", text)
    return re.sub(r"[^\w\- ]", "", letters).replace(" ", "-")


def fences_of(language: str, option: str) -> list[Fence]:
    return [f for f in FENCES if f.language == language and option in f.options]


@pytest.mark.parametrize("target", sorted(set(LINK.findall(PROSE))))
def test_guide_link_leads_to_a_document_or_heading(target):
    path, _, anchor = target.partition("#")
    document = (GUIDE.parent / path).resolve() if path else GUIDE

    assert document.is_relative_to(ROOT)
    assert document.exists()
    assert not anchor or anchor in anchors(document)


def test_guide_names_only_files_that_exist():
    names = set(FILE_NAME.findall(PROSE)) - READER_FILES - CHAPTER_FILES

    assert len(names) > 5
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_guide_files_of_the_reader_are_new():
    assert [name for name in READER_FILES if (ROOT / name).exists()] == []


def test_guide_contents_list_every_section():
    sections = re.findall(r"^## (\d+)\. (.+)$", PROSE, re.MULTILINE)
    listed = re.findall(r"^(\d+)\. \[(.+)\]\(#(.+)\)$", PROSE, re.MULTILINE)

    assert [(number, title) for number, title, _ in listed] == sections
    assert [a for *_, a in listed] == [anchor_of(f"{n}. {t}") for n, t in sections]


def test_guide_fences_have_known_kinds():
    assert {fence.kind for fence in FENCES} == KINDS
    assert TEXT.count("\n```") == 2 * len(FENCES)


@pytest.mark.parametrize("fence", fences_of("python", "trecho"), ids=lambda f: f.place)
def test_guide_excerpt_is_in_its_file(fence):
    source = (ROOT / fence.options["trecho"]).read_text(encoding="utf-8")

    assert f"\n{fence.text}" in f"\n{source}"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_guide_names_each_mistake_of_the_chapter_as_a_trap(mistake):
    traps = re.findall(r"^> \*\*Armadilha: (.+?)\*\*", PROSE, re.MULTILINE | re.DOTALL)

    assert [trap for trap in traps if mistake in trap.replace("\n> ", " ")]


def test_guide_docker_command_agrees_with_compose_and_settings():
    redis_service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"][
        "redis"
    ]
    (fence,) = fences_of("sh", "docker")
    *options, image = shlex.split(fence.text)

    assert options[:3] == ["docker", "run", "--rm"]
    assert f":-{image}}}" in redis_service["image"]
    published = options[options.index("-p") + 1]
    address, _, container_port = published.rpartition(":")
    default_url = re.search(
        r'fallback = "(redis://\S+)"',
        (ROOT / "school/runtime/environment.py").read_text(),
    )[1]
    assert default_url == f"redis://{address}/0"
    assert address.startswith("127.0.0.1:")
    assert container_port == "6379"  # on which Redis listens by default


def test_guide_pools_for_reports_on_windows_have_a_heartbeat():
    commands = [f.text for f in fences_of("powershell", "terminal")]
    (worker,) = [command for command in commands if "worker" in command]

    assert "-P threads" in worker
    assert "gevent" not in "".join(commands)
    assert "prefork" not in "".join(commands)


def test_readme_links_the_guide_in_its_first_screen_in_portuguese():
    first_screen = (ROOT / "README.md").read_text().split("\n## ")[0]

    assert "(docs/pt-BR/README.md)" in first_screen
    assert "Em português" in first_screen
    assert "pt-BR/README.md" in (ROOT / "docs" / "README.md").read_text()


@pytest.mark.parametrize(
    ("expected", "missing"),
    [
        ("a\nc", None),
        ("a…\nc", None),
        ("c\na", "a"),  # the order counts
        ("b", "b"),  # the whole line counts
        ("b…", None),
        ("…d", "…d"),
    ],
)
def test_expected_lines_are_found_in_order(expected, missing):
    assert lacks_lines(expected, "a\nb1\nc\n") == missing


@pytest.fixture
def repo_copy(tmp_path: Path) -> RepoCopy:
    return RepoCopy(tmp_path)


@pytest.fixture
def reader_environment(repo_copy: RepoCopy) -> dict[str, str]:
    """A reader's shell: nothing is set but the ports, which other processes may use."""
    folders = [str(repo_copy.root / ".venv" / "bin"), str(Path(sys.executable).parent)]
    return {
        "PATH": os.pathsep.join([*folders, "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(repo_copy.root.parent),
        "LANG": "C.UTF-8",
        "PORT": str(free_port()),
        "PYTHONUNBUFFERED": "1",
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def share_packages(venv: Path) -> None:
    """Let a new environment see the packages of this one."""
    packages = [path for path in site.getsitepackages() if Path(path).is_dir()]
    for folder in venv.glob("lib/python*/site-packages"):
        (folder / "tests.pth").write_text("\n".join(packages))


@pytest.mark.deep("it walks the whole guide, with its workers and `make demo`")
@pytest.mark.timeout(600)
def test_guide_walked_from_first_line_to_last_works(
    repo_copy, reader_environment, tmp_path
):
    redis_port = str(free_port())
    reader_environment["REDIS_URL"] = f"redis://127.0.0.1:{redis_port}/0"
    web_address = f"127.0.0.1:{reader_environment['PORT']}"
    replacements = {"6379": redis_port, "127.0.0.1:8000": web_address}
    log_dir = tmp_path / "logs"
    log_dir.mkdir()

    with Walk(
        repo_copy.root, reader_environment, log_dir=log_dir, replacements=replacements
    ) as walk:
        for fence in FENCES:
            walk.follow(fence)
            if "venv" in fence.text:
                share_packages(repo_copy.root / ".venv")

    written = {name for name in repo_copy.changed_files() if "/" not in name}
    assert written == READER_FILES


@pytest.fixture
def valkey_url(tmp_path: Path) -> Iterator[str]:
    server = EmbeddedRedis(tmp_path / "redis")
    yield server.start()
    server.stop()


def run_with_worker(folder: Path, worker: list[str], request: str) -> tuple[str, str]:
    """Run a worker and a request in the folder; return the output of both."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    options = {"cwd": folder, "env": environment}
    command = shlex.join([sys.executable, "-m", "celery", *worker, "-P", "solo"])
    terminal = Terminal(f"exec {command} -l info", folder / "worker.log", **options)
    try:
        process = subprocess.run(
            [sys.executable, "-c", request],
            capture_output=True,
            text=True,
            check=True,
            **options,
        )
    finally:
        terminal.stop()
    return process.stdout.strip(), terminal.output()


@pytest.mark.deep("it starts a worker for each way")
@pytest.mark.parametrize("is_in_app", [False, True])
def test_chapter_tasks_module_outside_an_app_is_not_discovered(
    tmp_path, valkey_url, is_in_app
):
    module = "notas.tasks" if is_in_app else "tasks"
    apps = ["notas"] if is_in_app else []
    files = {
        "school/__init__.py": "from school.celery import app as celery_app",
        "school/celery.py": CHAPTER_CELERY,
        "school/settings.py": CHAPTER_SETTINGS.format(apps=apps, url=valkey_url),
        "notas/__init__.py": "",
        f"{module.replace('.', '/')}.py": CHAPTER_TASKS,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    request = REQUEST.format(app_module="school", module=module, timeout=20)

    answer, log = run_with_worker(tmp_path, ["-A", "school", "worker"], request)

    error = f"Received unregistered task of type '{module}.media'"
    assert (error in log) is not is_in_app
    assert (answer == "8.0") is is_in_app


@pytest.mark.deep("it starts a worker for each way")
@pytest.mark.parametrize("option", ["", "task_default_queue='default'"])
def test_chapter_queue_gets_no_message_unless_it_is_the_default(
    tmp_path, valkey_url, option
):
    (tmp_path / "fila.py").write_text(LOST_QUEUE.format(url=valkey_url, option=option))
    request = REQUEST.format(app_module="fila", module="fila", timeout=10)

    answer, log = run_with_worker(
        tmp_path, ["-A", "fila", "worker", "-Q", "default"], request
    )

    with redis.Redis.from_url(valkey_url) as client:
        waiting = client.llen("celery")
    assert "ERROR" not in log
    if option:
        assert (answer, waiting) == ("8.0", 0)
    else:
        assert (answer, waiting) == ("TimeoutError The operation timed out.", 1)
