"""PDF reports of the real workers, with kills and cancels of workers and typesetters."""

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
SAME_ROWS = "the typesetter gets the same rows from both databases"
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
    """Return the command line of a process; empty if it has exited meanwhile."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def artifact_files(stack: Stack) -> set[Path]:
    """Return all files in the artifact store, drafts included."""
    return {path for path in (stack.folder / "artifacts").rglob("*") if path.is_file()}


def page_texts(path: Path) -> list[str]:
    """Return the text of each page, with timestamps masked.

    Two attempts, or two equal reports, differ only in their timestamps.
    """
    with pikepdf.open(path) as document:
        return [
            re.sub(DATETIME_PATTERN, "(then)", extract_text(page))
            for page in document.pages
        ]


# Text extractors that compute the position of each word take 0.1 s per page.
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
    """Return the characters of a font by glyph code, from its ToUnicode map."""
    mapping = font.ToUnicode.read_bytes().decode().partition("beginbfchar")[2]
    return {
        bytes.fromhex(code): bytes.fromhex(letter).decode("utf-16-be")
        for code, letter in re.findall(r"<(\w{4})> <(\w+)>", mapping)
    }


def is_under_way(stack: Stack, client: Client, task: dict[str, Any]) -> bool:
    progress = client.request("GET", task["links"]["self"])["progress"]
    total = progress["total"]  # unknown before the first row
    return bool(total and progress["done"] * 4 > total and find_typesetters(stack))


@dataclass(frozen=True)
class ReferenceReport:
    """A report made without faults: its document, its file and the text of its pages."""

    document: dict[str, Any]
    path: Path
    pages: list[str]


@pytest.fixture(scope="module")
def reference_report(stack: Stack) -> ReferenceReport:
    client, files_before = stack.as_user("admin"), artifact_files(stack)
    task = stack.wait_until_final(
        client, client.request_report(REPORT_CARDS_REQUEST), seconds=90
    )
    assert (task["state"], task["attempt"]) == ("succeeded", 1)
    [path] = artifact_files(stack) - files_before
    return ReferenceReport(task, path, page_texts(path))


@pytest.mark.one_database(SAME_ROWS)
def test_pdf_of_network_has_a_page_per_student(
    stack: Stack, reference_report: ReferenceReport
):
    done = reference_report.document

    assert done["progress"]["done"] == done["result"]["rows"]
    assert reference_report.path.name.startswith(done["task_id"])
    assert (
        len(PdfReader(io.BytesIO(reference_report.path.read_bytes())).pages)
        == STUDENT_COUNT
    )
    assert find_typesetters(stack) == []


@pytest.mark.one_database(SAME_ROWS)
def test_zip_of_network_has_a_pdf_per_class(stack: Stack):
    client, before = stack.as_user("admin"), artifact_files(stack)

    task = client.request_report({**REPORT_CARDS_REQUEST, "format": "zip"})
    done = stack.wait_until_final(client, task, seconds=90)

    assert (done["state"], done["attempt"]) == ("succeeded", 1)
    [path] = artifact_files(stack) - before
    with ZipFile(path) as archive:
        documents = [
            PdfReader(io.BytesIO(archive.read(name))) for name in archive.namelist()
        ]
        schools = {name.partition("/")[0] for name in archive.namelist()}
    class_count = stack.query("SELECT COUNT(*) FROM school_schoolclass")[0][0]
    assert len(documents) == class_count
    assert len(schools) == stack.query("SELECT COUNT(*) FROM school_school")[0][0]
    assert sum(len(document.pages) for document in documents) == STUDENT_COUNT


def kill_all(stack: Stack) -> None:
    kill_process_group(stack.supervisor.processes["worker-reports"])
    stack.start("worker-reports")


def kill_parent(stack: Stack) -> None:
    main = stack.supervisor.processes["worker-reports"]
    main.kill()
    main.wait()
    stack.start("worker-reports")


def kill_pool_child(stack: Stack) -> None:
    """Kill the pool process that makes the report, but not its typesetters."""
    find_typesetters(stack)[0].parent().kill()


def kill_first_typesetter(stack: Stack) -> None:
    """Kill the typesetter that forks the others."""
    find_typesetters(stack)[0].kill()


def kill_typesetter(stack: Stack) -> None:
    stack.wait_until(lambda: find_typesetters(stack)[1:])[0].kill()


deep = pytest.mark.deep("each kill repeats the report of the whole network")
KILLS = [
    pytest.param(
        kill_pool_child,
        marks=pytest.mark.deep_on_postgresql("test_worker_crash kills on both"),
    ),
    *(
        pytest.param(kill, marks=deep)
        for kill in (kill_all, kill_parent, kill_first_typesetter, kill_typesetter)
    ),
]


@pytest.mark.guarantee("A long PDF is complete after any process was killed.")
@pytest.mark.parametrize("kill", KILLS)
def test_killed_report_equals_reference_report(
    stack: Stack, reference_report: ReferenceReport, kill: Callable[[Stack], None]
):
    client, before = stack.as_user("admin"), artifact_files(stack)
    task = client.request_report(REPORT_CARDS_REQUEST)
    stack.wait_until(lambda: is_under_way(stack, client, task), seconds=60)
    worker = psutil.Process(stack.supervisor.processes["worker-reports"].pid)
    worker_processes = [worker, *worker.children(recursive=True)]
    typesetters = find_typesetters(stack)

    kill(stack)

    done = stack.wait_until_final(client, task, seconds=LEASE_SECONDS + 60)
    assert (done["state"], done["attempt"]) == ("succeeded", 2)
    [path] = artifact_files(stack) - before
    assert path.stat().st_size == done["result"]["bytes"]
    assert len(reference_report.pages) == STUDENT_COUNT
    assert page_texts(path) == reference_report.pages
    stack.wait_until(lambda: not any(process.is_running() for process in typesetters))
    if kill in (kill_all, kill_parent):
        stack.wait_until(
            lambda: not any(process.is_running() for process in worker_processes)
        )
    assert client.request("GET", task["links"]["self"]) == done


@pytest.mark.one_database("a cancel is passed by Redis and signals")
def test_cancel_stops_typesetters(stack: Stack):
    client = stack.as_user("admin")
    task = client.request_report(REPORT_CARDS_REQUEST)
    typesetters = stack.wait_until(lambda: find_typesetters(stack))

    client.request("POST", task["links"]["cancel"])
    done = stack.wait_until_final(client, task)

    assert done["state"] == "canceled"
    stack.wait_until(lambda: not any(process.is_running() for process in typesetters))
    assert not list((stack.folder / "artifacts").rglob(f"*{task['task_id']}*"))
