"""Examples of responses by operation and status, other than tasks and problems."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings

from api.auth.sessions import TokenPair
from api.i18n.languages import current_language
from api.openapi import examples
from api.paths import PATHS
from api.serializers import catalogue
from school.models import Role, SchoolClass
from tasks.reports.class_performance import ClassPerformance
from tasks.status import document as task_document


def _task_page() -> dict[str, Any]:
    results = [
        examples.task_example(name, language=current_language(), with_data=False)
        for name in ("running", "succeeded")
    ]
    next_url = f"/tasks?cursor={examples.PARAMETER_EXAMPLES['cursor']}"
    return {"next": next_url, "previous": None, "results": results}


def _result_link() -> dict[str, Any]:
    lifetime = timedelta(hours=1)
    return {
        "url": f"/tasks/{examples.TASK_ID}/result?link=Wzcs...",
        "expires_at": task_document.format_rfc3339(examples.FINISHED_AT + lifetime),
        "expires_in": int(lifetime.total_seconds()),
    }


def _health(status: str, **checks: bool) -> dict[str, Any]:
    components = (
        "database",
        "redis",
        "dispatcher",
        "default",
        "reports",
        "reports.bulk",
    )
    return {"status": status, "checks": {**dict.fromkeys(components, True), **checks}}


_SCHOOL = {"school_id": 1, "name": "Escola Municipal 1"}
_CLASS = {"class_id": 1, "name": "1º ano A", "year": 2026}
_CLASS_WITH_SCHOOL = {**_CLASS, "school": _SCHOOL["name"]}
_SCHOOL_RECORD = {**_SCHOOL, "inep_code": "13000001", "label": _SCHOOL["name"]}
_LEVEL = {"grade_level_id": 1, "name": "1º ano"}
_LEVEL_RECORD = {**_LEVEL, "code": "ef1", "label": _LEVEL["name"]}
_SCHOOL_YEAR = {
    "school_year_id": 1,
    "year": 2026,
    "period": "",
    "network_id": 1,
    "network": "Rede Municipal",
    "starts_on": "2026-02-09",
    "ends_on": "2026-12-18",
    "is_closed": False,
    "label": "2026",
}
_STUDENT = {
    "student_id": 7,
    "name": "Ana Ávila",
    "registration": "2026000007",
    "label": "Ana Ávila · 2026000007",
}


def _single_page(*records: dict[str, Any]) -> dict[str, Any]:
    return {"next": None, "previous": None, "results": list(records)}


def _catalogue_entry() -> dict[str, Any]:
    entry = catalogue.build_static_entry(ClassPerformance, {"year": 2026})
    return {**entry, "median_seconds": 0.4}


def _class_record() -> dict[str, Any]:
    shift, kind = SchoolClass.Shift.MORNING, SchoolClass.Kind.REGULAR
    return {
        **_CLASS_WITH_SCHOOL,
        "school_id": 1,
        "school_year_id": 1,
        "grade_levels": [_LEVEL],
        "shift": shift.value,
        "shift_label": str(shift.label),
        "kind": kind.value,
        "kind_label": str(kind.label),
        "class_label": _CLASS["name"],
        "school_label": _SCHOOL["name"],
        "year_label": "2026",
        "label": examples.ABOUT,
    }


def _current_user() -> dict[str, Any]:
    scope = {"everything": False, "networks": [], "schools": [], "students": []}
    return {
        "username": "teacher",
        "name": "Ana Ávila",
        "roles": [Role.TEACHER],
        "role_labels": [str(Role.TEACHER.label)],
        "must_change_password": False,
        "scope": {**scope, "classes": [_CLASS_WITH_SCHOOL]},
    }


_TOKENS = asdict(
    TokenPair(
        access="eyJhbGciOi...",
        refresh="eyJhbGciOi...",
        expires_in=int(settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
        refresh_expires_in=int(settings.REFRESH_TOKEN_LIFETIME.total_seconds()),
        access_token="eyJhbGciOi...",  # noqa: S106  (an example)
    )
)
_OTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105  (an example)
_RECOVERY_CODES = {"recovery_codes": ["k3xq-7wfd-m2ph-5ruz", "q6ta-vn4c-2yhd-x7ep"]}
RESPONSE_EXAMPLES: dict[tuple[str, str], Callable[[], Any]] = {
    ("log_in", "200"): lambda: _TOKENS,
    ("refresh_token", "200"): lambda: _TOKENS,
    ("start_otp", "200"): lambda: {
        "secret": _OTP_SECRET,
        "uri": f"otpauth://totp/School%20reports:secretary?secret={_OTP_SECRET}&issuer=School%20reports",
    },
    ("confirm_otp", "200"): lambda: {**_RECOVERY_CODES, **_TOKENS},
    ("renew_recovery_codes", "200"): lambda: _RECOVERY_CODES,
    ("change_password", "200"): lambda: _TOKENS,
    ("list_tasks", "200"): _task_page,
    ("get_result", "200"): lambda: json.loads(examples.render_file("json")),
    ("create_result_link", "200"): _result_link,
    ("get_links", "200"): lambda: {"version": settings.RELEASE, "links": PATHS},
    ("get_me", "200"): _current_user,
    ("list_reports", "200"): lambda: {"results": [_catalogue_entry()]},
    ("get_report", "200"): _catalogue_entry,
    ("list_schools", "200"): lambda: _single_page(_SCHOOL_RECORD),
    ("get_school", "200"): lambda: _SCHOOL_RECORD,
    ("list_classes", "200"): lambda: _single_page(_class_record()),
    ("get_class", "200"): _class_record,
    ("list_school_years", "200"): lambda: _single_page(_SCHOOL_YEAR),
    ("get_school_year", "200"): lambda: _SCHOOL_YEAR,
    ("list_grade_levels", "200"): lambda: _single_page(_LEVEL_RECORD),
    ("get_grade_level", "200"): lambda: _LEVEL_RECORD,
    ("search_students", "200"): lambda: {
        "results": [{**_STUDENT, "classes": [_CLASS]}],
        "next": None,
    },
    ("get_student", "200"): lambda: {**_STUDENT, "classes": [_CLASS]},
    ("healthz", "200"): lambda: {"status": "ok"},
    ("readyz", "200"): lambda: _health("ok"),
    ("readyz", "503"): lambda: _health("unavailable", dispatcher=False),
}
"""Builders of the example of a response, by operation and status."""
