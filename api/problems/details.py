"""Sentences of problems that give numbers or a reason, for the person in front of the program."""

from collections.abc import Mapping
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks.errors import ResultExpired


def detail_of_members(
    code: str, retry_after: int | None, members: Mapping[str, Any]
) -> str:
    """Return the sentence with what the members say; empty if the code's own says all."""
    if code == "result_expired" and "expiry_reason" in members:
        return str(ResultExpired(members["expiry_reason"]))
    if code == "too_many_active" and "load" in members:
        return _too_many_active(members["load"])
    if code == "too_many_results" and "storage" in members:
        return _too_many_results(members["storage"])
    if code == "throttled" and retry_after:
        return ngettext(
            "Too many attempts: wait {seconds} second, then try again.",
            "Too many attempts: wait {seconds} seconds, then try again.",
            retry_after,
        ).format(seconds=retry_after)
    if code == "queue_full" and retry_after:
        return ngettext(
            "Many reports are waiting: try again in {seconds} second.",
            "Many reports are waiting: try again in {seconds} seconds.",
            retry_after,
        ).format(seconds=retry_after)
    return ""


def _too_many_active(load: Mapping[str, int]) -> str:
    count = load["own_queued"] + load["own_running"]
    return ngettext(
        "You have {count} report in progress already; wait for it to finish.",
        "You have {count} reports in progress already; wait for one to finish.",
        count,
    ).format(count=count)


def _too_many_results(storage: Mapping[str, int]) -> str:
    text = _("Your results take {stored} of {limit}: download some, or delete them.")
    stored, limit = (
        filesizeformat(storage[name]) for name in ("stored_bytes", "limit_bytes")
    )
    return text.format(stored=stored, limit=limit)
