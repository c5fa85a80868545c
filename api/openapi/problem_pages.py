"""Contents of the HTML pages about problems: meaning, advice and example of each code."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from api.i18n import languages
from api.openapi import examples
from api.problems.registry import PROBLEMS
from tasks.failures import FAILURES, InternalFailure
from tasks.status import document as task_document


@dataclass(frozen=True)
class ProblemPage:
    """Contents of one page, in the language that was active when it was built."""

    code: str
    title: str
    status: int | None
    """HTTP status; None for the error of a failed task."""
    meaning: str
    advice: SafeString
    example: str


def find_page(code: str) -> ProblemPage | None:
    """Return the page of the code; None if the code is unknown."""
    if code in PROBLEMS:
        return _problem_page(code)
    return _failure_page(code) if code in FAILURES else None


def list_problems() -> Sequence[ProblemPage]:
    return [_problem_page(code) for code in PROBLEMS]


def list_failures() -> Sequence[ProblemPage]:
    return [_failure_page(code) for code in FAILURES]


def _problem_page(code: str) -> ProblemPage:
    problem = PROBLEMS[code]
    example = examples.problem_example(code, language=languages.current_language())
    return ProblemPage(
        code,
        str(problem.title),
        problem.status,
        str(problem.detail),
        _to_html(str(problem.advice)),
        _pretty_json(example),
    )


def _failure_page(code: str) -> ProblemPage:
    failure = FAILURES[code]
    meaning, advice = str(failure.detail), str(failure.advice)
    error_json = {"code": code, "detail": meaning}
    if code == InternalFailure.code:
        error_json["reference"] = "3f9c0a6b71d2"
    example = task_document.build_problem(error_json, languages.current_language())
    return ProblemPage(
        code, example["title"], None, meaning, _to_html(advice), _pretty_json(example)
    )


def _to_html(text: str) -> SafeString:
    """Convert text to HTML, with the parts between backticks as code."""
    parts = [*text.split("`"), ""]
    return format_html_join(
        "",
        "{}{}",
        (
            (plain, format_html("<code>{}</code>", code) if code else "")
            for plain, code in zip(parts[::2], parts[1::2], strict=True)
        ),
    )


def _pretty_json(example: dict[str, Any]) -> str:
    return json.dumps(example, indent=2, ensure_ascii=False)
