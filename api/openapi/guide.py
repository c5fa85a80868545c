"""Guide to the API in Markdown, and the descriptions that belong to no serializer or view."""

from collections.abc import Iterator
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from api.i18n import languages
from tasks.states import FINAL, State

GUIDE_PATHS = {
    "en": Path(__file__).with_name("guide.md"),
    "pt-BR": Path(__file__).with_name("guide.pt-BR.md"),
}
_STATES_PLACEHOLDER = "<!-- table of states -->\n"
_STATE_MEANINGS = {
    State.QUEUED: gettext_lazy("It waits in the queue. `queue` gives its position and the estimated wait, once known."),
    State.RUNNING: gettext_lazy("A worker is generating it; `progress` says how far. If the worker is lost, it is `queued` again."),
    State.SUCCEEDED: gettext_lazy("`result` is available."),
    State.FAILED: gettext_lazy("`error` says why; its code has a page, like the codes of problems."),
    State.CANCELED: gettext_lazy("It was canceled by `POST /tasks/{task_id}/cancel`."),
    State.EXPIRED: gettext_lazy("It had succeeded, and its retention period is over: parameters and result are erased."),
}  # fmt: skip

SECURITY_DESCRIPTIONS = {
    "password": "User name and password; client id and secret stay empty. On the demo "
    "network try `teacher` with the password `demo`. A user with a second factor takes the "
    "token of `POST /auth/token` instead.",
    "bearer": "The `access` of `POST /auth/token`, without `Bearer`.",
    "link": "Part of the URL that `POST /tasks/{task_id}/result/link` returns.",
}
TAG_NAMES = {
    "auth": pgettext_lazy("tag", "auth"),
    "reports": pgettext_lazy("tag", "reports"),
    "records": pgettext_lazy("tag", "records"),
    "tasks": pgettext_lazy("tag", "tasks"),
    "contract": pgettext_lazy("tag", "contract"),
    "health": pgettext_lazy("tag", "health"),
}
TAG_DESCRIPTIONS = {
    "auth": "Tokens: an access token valid for minutes, and a refresh token valid for two "
    "weeks that can be exchanged once for a new pair.",
    "reports": "The available reports, and requests for them.",
    "records": "The schools, school years, grade levels, classes and students that the "
    "parameters of a report may name, limited to those you may see. For one that you may not "
    "see the response is the same 404 as for one that does not exist.",
    "tasks": "Your requests and their results. Only the requester can read a task: for "
    "anyone else the response is the same 404 as for a task that does not exist.",
    "contract": "Links to begin with.",
    "health": "Health probes.",
}
RESPONSE_DESCRIPTIONS = {
    ("create_report", "200"): "The task finished while the request waited.",
    ("create_report", "202"): "The task is accepted: poll `links.self`.",
    ("rerun_task", "200"): "The task finished while the request waited.",
    ("rerun_task", "202"): "The task is accepted: poll `links.self`.",
    ("get_task", "200"): "The current task; 200 in every state, including `failed`.",
    ("get_task", "304"): "Unchanged: poll again after `Retry-After`.",
    ("cancel_task", "202"): "Canceled, or will be within seconds: poll `links.self`.",
    ("delete_task", "204"): "The task is erased.",
    ("get_links", "302"): "The documentation, for people.",
    ("log_out", "204"): "The refresh token is no longer valid.",
    ("get_result", "200"): "The file.",
    ("get_result", "206"): "The requested part of the file.",
}
"""Descriptions of responses that need more than their status, by operation and status."""


def build_guide() -> str:
    """Return the guide in the active language, with the table of states filled in."""
    path = GUIDE_PATHS[languages.current_language()]
    text = path.read_text(encoding="utf-8")
    before, placeholder, after = text.partition(_STATES_PLACEHOLDER)
    if not placeholder:
        raise ValueError(f"{path} lacks {_STATES_PLACEHOLDER.strip()!r}.")
    return before + _states_table() + after


def _states_table() -> str:
    rows = (
        (
            f"`{state}`",
            str(_STATE_MEANINGS[state]),
            _("yes") if state in FINAL else _("no"),
        )
        for state in State
    )
    return _table(("`state`", _("meaning"), _("final")), rows)


def _table(header: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
