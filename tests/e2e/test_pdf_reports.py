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
from tests.support.stack import LEASE_SECONDS, STUDENTS, Stack

MOMENT = r"\d\d/\d\d/\d{4} às \d\d:\d\d"
PAPERS = "the typesetter gets the same rows from both databases"
CARDS = {"report": "report_card", "parameters": {"year": 2026}, "format": "pdf"}


def typesetters(stack: Stack) -> list[psutil.Process]:
    worker = psutil.Process(stack.keeper.processes["worker-reports"].pid)
    return [
        process
        for process in worker.children(recursive=True)
        if any(part.endswith("typesetter_child.py") for part in command(process))
    ]


def command(process: psutil.Process) -> list[str]:
    """Empty where it has ended: typesetters come and go while one looks."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def files(stack: Stack) -> set[Path]:
    """Of all reports, drafts and whatever else a worker has left there."""
    return {path for path in (stack.folder / "artifacts").rglob("*") if path.is_file()}


def pages(path: Path) -> list[str]:
    """What each says; two attempts, or two reports, differ in nothing but the moments."""
    with pikepdf.open(path) as paper:
        return [re.sub(MOMENT, "(then)", drawn_on(page)) for page in paper.pages]


# Who reckons where each word stands takes a tenth of a second a page.
def drawn_on(page: pikepdf.Page) -> str:
    said, letters, known = [], {}, {}
    for operands, operator in pikepdf.parse_content_stream(page, "Tf TJ Tj"):
        if str(operator) == "Tf":
            name = str(operands[0])
            letters = known.get(name) or letters_of(page.resources.Font[name])
            known[name] = letters
            continue
        pieces = operands[0] if str(operator) == "TJ" else operands
        for piece in pieces:
            if isinstance(piece, pikepdf.String):
                codes = bytes(piece)
                said += (letters[codes[n : n + 2]] for n in range(0, len(codes), 2))
    return "".join(said)


def letters_of(font: pikepdf.Object) -> dict[bytes, str]:
    """By code, as the font itself tells whoever copies its text."""
    told = font.ToUnicode.read_bytes().decode().partition("beginbfchar")[2]
    return {
        bytes.fromhex(code): bytes.fromhex(letter).decode("utf-16-be")
        for code, letter in re.findall(r"<(\w{4})> <(\w+)>", told)
    }


def half_made(stack: Stack, client: Client, task: dict[str, Any]) -> bool:
    progress = client.request("GET", task["links"]["self"])["progress"]
    total = progress["total"]  # nobody knows it before the first row
    return bool(total and progress["done"] * 4 > total and typesetters(stack))


@dataclass(frozen=True)
class Undisturbed:
    """A report that nobody disturbed: its document, its file and the text of its pages."""

    document: dict[str, Any]
    path: Path
    pages: list[str]


@pytest.fixture(scope="module")
def undisturbed(stack: Stack) -> Undisturbed:
    client, before = stack.as_user("admin"), files(stack)
    done = stack.finished(client, client.request_report(CARDS), seconds=90)
    assert (done["state"], done["attempt"]) == ("succeeded", 1)
    [made] = files(stack) - before
    return Undisturbed(done, made, pages(made))


@pytest.mark.one_database(PAPERS)
def test_cards_of_a_network_are_one_file_of_a_page_each(
    stack: Stack, undisturbed: Undisturbed
):
    done = undisturbed.document

    assert done["progress"]["done"] == done["result"]["rows"]
    assert undisturbed.path.name.startswith(done["task_id"])
    assert len(PdfReader(io.BytesIO(undisturbed.path.read_bytes())).pages) == STUDENTS
    assert typesetters(stack) == []


@pytest.mark.one_database(PAPERS)
def test_cards_of_a_network_are_a_file_for_each_class_asked_once(stack: Stack):
    client, before = stack.as_user("admin"), files(stack)

    task = client.request_report({**CARDS, "format": "zip"})
    done = stack.finished(client, task, seconds=90)

    assert (done["state"], done["attempt"]) == ("succeeded", 1)
    [made] = files(stack) - before
    with ZipFile(made) as archive:
        papers = [
            PdfReader(io.BytesIO(archive.read(name))) for name in archive.namelist()
        ]
        schools = {name.partition("/")[0] for name in archive.namelist()}
    assert len(papers) == stack.query("SELECT COUNT(*) FROM school_schoolclass")[0][0]
    assert len(schools) == stack.query("SELECT COUNT(*) FROM school_school")[0][0]
    assert sum(len(paper.pages) for paper in papers) == STUDENTS


def kill_all(stack: Stack) -> None:
    kill_process_group(stack.keeper.processes["worker-reports"])
    stack.start("worker-reports")


def kill_main(stack: Stack) -> None:
    main = stack.keeper.processes["worker-reports"]
    main.kill()
    main.wait()
    stack.start("worker-reports")


def kill_maker(stack: Stack) -> None:
    """The process of the pool that makes the report, and not its typesetters."""
    typesetters(stack)[0].parent().kill()


def kill_first_typesetter(stack: Stack) -> None:
    """The one that forks the others."""
    typesetters(stack)[0].kill()


def kill_typesetter(stack: Stack) -> None:
    stack.wait(lambda: typesetters(stack)[1:])[0].kill()


deep = pytest.mark.deep("each kill makes the report of the whole network once more")
KILLS = [
    pytest.param(
        kill_maker,
        marks=pytest.mark.deep_on_postgresql("test_worker_killed kills on both"),
    ),
    *(
        pytest.param(kill, marks=deep)
        for kill in (kill_all, kill_main, kill_first_typesetter, kill_typesetter)
    ),
]


@pytest.mark.guarantee("A long PDF is complete after any process was killed.")
@pytest.mark.parametrize("kill", KILLS)
def test_report_killed_in_the_middle_ends_once_and_is_as_an_undisturbed_one(
    stack: Stack, undisturbed: Undisturbed, kill: Callable[[Stack], None]
):
    client, before = stack.as_user("admin"), files(stack)
    task = client.request_report(CARDS)
    stack.wait(lambda: half_made(stack, client, task), seconds=60)
    worker = psutil.Process(stack.keeper.processes["worker-reports"].pid)
    running = [worker, *worker.children(recursive=True)]
    working = typesetters(stack)

    kill(stack)

    done = stack.finished(client, task, seconds=LEASE_SECONDS + 60)
    assert (done["state"], done["attempt"]) == ("succeeded", 2)
    [made] = files(stack) - before
    assert made.stat().st_size == done["result"]["bytes"]
    assert len(undisturbed.pages) == STUDENTS
    assert pages(made) == undisturbed.pages
    stack.wait(lambda: not any(process.is_running() for process in working))
    if kill in (kill_all, kill_main):
        stack.wait(lambda: not any(process.is_running() for process in running))
    assert client.request("GET", task["links"]["self"]) == done


@pytest.mark.one_database("Redis and the processes' own messages carry the cancel")
def test_cancel_ends_the_typesetters(stack: Stack):
    client = stack.as_user("admin")
    task = client.request_report(CARDS)
    working = stack.wait(lambda: typesetters(stack))

    client.request("POST", task["links"]["cancel"])
    done = stack.finished(client, task)

    assert done["state"] == "canceled"
    stack.wait(lambda: not any(process.is_running() for process in working))
    assert not list((stack.folder / "artifacts").rglob(f"*{task['task_id']}*"))
