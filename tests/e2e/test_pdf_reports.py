"""PDFs made by the real workers, whose typesetters are killed or canceled with them."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pikepdf
import psutil
import pytest
from pypdf import PdfReader

from school.runtime.client import Client
from school.runtime.supervisor import kill_process_group
from tests.support.stack import LEASE_SECONDS, STUDENT_COUNT, Stack

DATETIME_PATTERN = r"\d\d/\d\d/\d{4} às \d\d:\d\d"
PAPERS = "the typesetter gets the same rows from both databases"
REPORT_CARDS_REQUEST = {
    "report": "report_card",
    "parameters": {"year": 2026},
    "format": "pdf",
}


def find_typesetters(stack: Stack) -> list[psutil.Process]:
    worker = psutil.Process(stack.supervisor.processes["worker-reports"].pid)
    return [
        process
        for process in worker.children(recursive=True)
        if any(part.endswith("typesetter_child.py") for part in command_line(process))
    ]


def command_line(process: psutil.Process) -> list[str]:
    """Empty where it has ended: typesetters come and go while one looks."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def artifact_files(stack: Stack) -> set[Path]:
    """Of all reports, drafts and whatever else a worker has left there."""
    return {path for path in (stack.folder / "artifacts").rglob("*") if path.is_file()}


def page_texts(path: Path) -> list[str]:
    """What each says; two attempts, or two reports, differ in nothing but the moments."""
    with pikepdf.open(path) as document:
        return [
            re.sub(DATETIME_PATTERN, "(then)", extract_text(page))
            for page in document.pages
        ]


# Who reckons where each word stands takes a tenth of a second a page.
def extract_text(page: pikepdf.Page) -> str:
    characters, character_map, character_maps = [], {}, {}
    for operands, operator in pikepdf.parse_content_stream(page, "Tf TJ Tj"):
        if str(operator) == "Tf":
            name = str(operands[0])
            character_map = character_maps.get(name) or read_character_map(
                page.resources.Font[name]
            )
            character_maps[name] = character_map
            continue
        pieces = operands[0] if str(operator) == "TJ" else operands
        for piece in pieces:
            if isinstance(piece, pikepdf.String):
                codes = bytes(piece)
                characters += (
                    character_map[codes[n : n + 2]] for n in range(0, len(codes), 2)
                )
    return "".join(characters)


def read_character_map(font: pikepdf.Object) -> dict[bytes, str]:
    """By code, as the font itself tells whoever copies its text."""
    mapping = font.ToUnicode.read_bytes().decode().partition("beginbfchar")[2]
    return {
        bytes.fromhex(code): bytes.fromhex(letter).decode("utf-16-be")
        for code, letter in re.findall(r"<(\w{4})> <(\w+)>", mapping)
    }


def is_under_way(stack: Stack, client: Client, task: dict[str, Any]) -> bool:
    progress = client.request("GET", task["links"]["self"])["progress"]
    total = progress["total"]  # nobody knows it before the first row
    return bool(total and progress["done"] * 4 > total and find_typesetters(stack))


@dataclass(frozen=True)
class Undisturbed:
    """A report that nobody disturbed: its document, its file and the text of its pages."""

    document: dict[str, Any]
    path: Path
    pages: list[str]


@pytest.fixture(scope="module")
def undisturbed_pages(stack: Stack) -> Undisturbed:
    client, files_before = stack.as_user("admin"), artifact_files(stack)
    task = stack.wait_until_final(
        client, client.request_report(REPORT_CARDS_REQUEST), seconds=90
    )
    assert (task["state"], task["attempt"]) == ("succeeded", 1)
    [path] = artifact_files(stack) - files_before
    return Undisturbed(task, path, page_texts(path))


@pytest.mark.one_database(PAPERS)
def test_cards_of_a_network_are_one_file_of_a_page_each(
    stack: Stack, undisturbed_pages: Undisturbed
):
    done = undisturbed_pages.document

    assert done["progress"]["done"] == done["result"]["rows"]
    assert undisturbed_pages.path.name.startswith(done["task_id"])
    assert (
        len(PdfReader(io.BytesIO(undisturbed_pages.path.read_bytes())).pages)
        == STUDENT_COUNT
    )
    assert find_typesetters(stack) == []


@pytest.mark.one_database(PAPERS)
def test_cards_of_a_network_are_a_file_for_each_class_asked_once(stack: Stack):
    client, before = stack.as_user("admin"), artifact_files(stack)

    task = client.request_report({**REPORT_CARDS_REQUEST, "format": "zip"})
    done = stack.wait_until_final(client, task, seconds=90)

    assert (done["state"], done["attempt"]) == ("succeeded", 1)
    [made] = artifact_files(stack) - before
    with ZipFile(made) as archive:
        papers = [
            PdfReader(io.BytesIO(archive.read(name))) for name in archive.namelist()
        ]
        schools = {name.partition("/")[0] for name in archive.namelist()}
    assert len(papers) == stack.query("SELECT COUNT(*) FROM school_schoolclass")[0][0]
    assert len(schools) == stack.query("SELECT COUNT(*) FROM school_school")[0][0]
    assert sum(len(paper.pages) for paper in papers) == STUDENT_COUNT


def kill_all(stack: Stack) -> None:
    kill_process_group(stack.supervisor.processes["worker-reports"])
    stack.start("worker-reports")


def kill_parent(stack: Stack) -> None:
    main = stack.supervisor.processes["worker-reports"]
    main.kill()
    main.wait()
    stack.start("worker-reports")


def kill_pool_child(stack: Stack) -> None:
    """The process of the pool that makes the report, and not its typesetters."""
    find_typesetters(stack)[0].parent().kill()


def kill_first_typesetter(stack: Stack) -> None:
    """The one that forks the others."""
    find_typesetters(stack)[0].kill()


def kill_typesetter(stack: Stack) -> None:
    stack.wait_until(lambda: find_typesetters(stack)[1:])[0].kill()


deep = pytest.mark.deep("each kill makes the report of the whole network once more")
KILLS = [
    pytest.param(
        kill_pool_child,
        marks=pytest.mark.deep_on_postgresql("test_worker_killed kills on both"),
    ),
    *(
        pytest.param(kill, marks=deep)
        for kill in (kill_all, kill_parent, kill_first_typesetter, kill_typesetter)
    ),
]


@pytest.mark.guarantee("A long PDF is complete after any process was killed.")
@pytest.mark.parametrize("kill", KILLS)
def test_report_killed_in_the_middle_ends_once_and_is_as_an_undisturbed_one(
    stack: Stack, undisturbed_pages: Undisturbed, kill: Callable[[Stack], None]
):
    client, before = stack.as_user("admin"), artifact_files(stack)
    task = client.request_report(REPORT_CARDS_REQUEST)
    stack.wait_until(lambda: is_under_way(stack, client, task), seconds=60)
    worker = psutil.Process(stack.supervisor.processes["worker-reports"].pid)
    running = [worker, *worker.children(recursive=True)]
    working = find_typesetters(stack)

    kill(stack)

    done = stack.wait_until_final(client, task, seconds=LEASE_SECONDS + 60)
    assert (done["state"], done["attempt"]) == ("succeeded", 2)
    [made] = artifact_files(stack) - before
    assert made.stat().st_size == done["result"]["bytes"]
    assert len(undisturbed_pages.pages) == STUDENT_COUNT
    assert page_texts(made) == undisturbed_pages.pages
    stack.wait_until(lambda: not any(process.is_running() for process in working))
    if kill in (kill_all, kill_parent):
        stack.wait_until(lambda: not any(process.is_running() for process in running))
    assert client.request("GET", task["links"]["self"]) == done


@pytest.mark.one_database("Redis and the processes' own messages carry the cancel")
def test_cancel_ends_the_typesetters(stack: Stack):
    client = stack.as_user("admin")
    task = client.request_report(REPORT_CARDS_REQUEST)
    working = stack.wait_until(lambda: find_typesetters(stack))

    client.request("POST", task["links"]["cancel"])
    done = stack.wait_until_final(client, task)

    assert done["state"] == "canceled"
    stack.wait_until(lambda: not any(process.is_running() for process in working))
    assert not list((stack.folder / "artifacts").rglob(f"*{task['task_id']}*"))
