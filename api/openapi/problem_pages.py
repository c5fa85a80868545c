"""The problems explained to people: for each code its meaning, and an example of its document."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from api.i18n import languages
from api.openapi import examples
from api.problems.registry import PROBLEMS
from tasks.errors import FAILURES, InternalFailure
from tasks.status import document as task_document


@dataclass(frozen=True)
class Explanation:
    """In the language that was active when it was made."""

    code: str
    title: str
    status: int | None
    """None where it is no answer's, but what a task ended by."""
    meaning: str
    advice: SafeString
    example: str


def explain(code: str) -> Explanation | None:
    """What that code means, if there is such a code."""
    if code in PROBLEMS:
        return _of_problem(code)
    return _of_failure(code) if code in FAILURES else None


def problems() -> Sequence[Explanation]:
    return [_of_problem(code) for code in PROBLEMS]


def failures() -> Sequence[Explanation]:
    return [_of_failure(code) for code in FAILURES]


def _of_problem(code: str) -> Explanation:
    status, title, advice = PROBLEMS[code]
    document = examples.of_problem(code, language=languages.spoken())
    return Explanation(
        code, str(title), status, "", _marked_up(str(advice)), _shown(document)
    )


def _of_failure(code: str) -> Explanation:
    failure = FAILURES[code]
    meaning, advice = str(failure.detail), str(failure.advice)
    kept = {"code": code, "detail": meaning}
    if code == InternalFailure.code:
        kept["reference"] = "3f9c0a6b71d2"
    document = task_document.build_problem(kept, languages.spoken())
    return Explanation(
        code, document["title"], None, meaning, _marked_up(advice), _shown(document)
    )


def _marked_up(text: str) -> SafeString:
    """As HTML: what stands between backticks is code."""
    parts = [*text.split("`"), ""]
    return format_html_join(
        "",
        "{}{}",
        (
            (plain, format_html("<code>{}</code>", code) if code else "")
            for plain, code in zip(parts[::2], parts[1::2], strict=True)
        ),
    )


def _shown(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
