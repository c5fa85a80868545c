import hashlib
from contextlib import ExitStack
from urllib.parse import quote

import psutil
import pytest
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone
from django.utils.http import http_date

from school.models import School
from tasks import access_log, artifacts, lifecycle
from tasks.models import AccessLogEntry, Task
from tasks.reporting import registry
from tasks.status import downloads
from tests.support.task_factories import queue_task, run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("a result is a file and does not depend on the database"),
]


@pytest.fixture
def task(teacher):
    return run_task(teacher, format="csv")


@pytest.fixture
def url(task):
    return f"/tasks/{task.pk}/result"


@pytest.fixture
def content(task):
    return artifacts.read_artifact(task.artifact)


@pytest.fixture
def etag(task):
    return f'"{task.result["sha256"]}"'


@pytest.fixture
def fetch(as_user, teacher, url):
    """Function that requests the result; unread responses are closed after the test."""
    client = as_user(teacher)
    with ExitStack() as exit_stack:

        def fetch(headers: dict[str, str] | None = None, method: str = "get"):
            response = getattr(client, method)(url, headers=headers)
            exit_stack.callback(response.getvalue)
            return response

        yield fetch


def count_downloads():
    return AccessLogEntry.objects.filter(action="downloaded").count()


def open_result_files():
    return [file for file in psutil.Process().open_files() if ".csv" in file.path]


@pytest.mark.each_database
def test_result_is_the_file_and_is_logged(fetch, task, content):
    answer = fetch()

    assert b"".join(answer) == content
    assert content.count(b"\r\n") == 41
    day = timezone.localdate(task.created_at).isoformat()
    school = School.objects.get(classes=1).name
    name = f"Desempenho das turmas – 1º ano, turma 1 – {school} – 2026 – {day}.csv"
    plain_name, full_name = answer["Content-Disposition"].split("; ")[1:]
    assert plain_name.startswith('filename="Desempenho das turmas - 1o ano, turma 1 - ')
    assert full_name == f"filename*=UTF-8''{quote(name, safe='')}"
    assert (
        dict(answer.headers).items()
        >= {
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Length": str(len(content)),
            "Accept-Ranges": "bytes",
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "Last-Modified": http_date(task.finished_at.timestamp()),
            "Cache-Control": "private, no-store",
            "Referrer-Policy": "no-referrer",
        }.items()
    )
    actions = AccessLogEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["created", "downloaded"]


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Ações 1.csv", "Acoes 1.csv\"; filename*=UTF-8''A%C3%A7%C3%B5es%201.csv"),
        ('a"b.csv', "a\\\"b.csv\"; filename*=UTF-8''a%22b.csv"),
        (
            "a／..＼b.csv",
            "a .. b.csv\"; filename*=UTF-8''a%EF%BC%8F..%EF%BC%BCb.csv",
        ),
        ("報告.csv", ".csv\"; filename*=UTF-8''%E5%A0%B1%E5%91%8A.csv"),
    ],
)
def test_filename_is_sent_in_ascii_and_utf8(fetch, task, name, header):
    Task.objects.update(result=task.result | {"filename": name})

    disposition = fetch()["Content-Disposition"]

    assert disposition == f'attachment; filename="{header}'


@pytest.mark.parametrize(
    ("requested", "first", "last"),
    [("100-199", 100, 199), ("100-", 100, None), ("-100", -100, None), ("0-0", 0, 0)],
)
def test_range_returns_its_part_of_the_file(fetch, content, requested, first, last):
    part = content[first : None if last is None else last + 1]

    answer = fetch({"Range": f"bytes={requested}"})

    start = first % len(content)
    end = start + len(part) - 1
    assert answer.status_code == 206
    assert b"".join(answer) == part
    assert answer["Content-Range"] == f"bytes {start}-{end}/{len(content)}"
    assert answer["Content-Length"] == str(len(part))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert count_downloads() == 1


@pytest.mark.parametrize(
    "requested", ["bytes=0-1,5-6", "rows=0-1", "bytes=9-5", "nonsense"]
)
def test_invalid_range_returns_the_whole_file(fetch, content, requested):
    answer = fetch({"Range": requested})

    assert answer.status_code == 200
    assert b"".join(answer) == content


def test_range_past_the_end_returns_416_with_size(fetch, content):
    answer = fetch({"Range": f"bytes={len(content)}-"})

    assert answer.status_code == 416
    assert answer.json()["code"] == "range_not_satisfiable"
    assert answer["Content-Range"] == f"bytes */{len(content)}"
    assert count_downloads() == 0


@pytest.mark.guarantee("A download is resumed only with the same file.")
def test_if_range_of_another_file_returns_the_whole_file(fetch, etag):
    def status(condition):
        headers = {"Range": "bytes=5-", "If-Range": condition}
        return fetch(headers).status_code

    date = fetch(method="head")["Last-Modified"]
    assert status(etag) == 206
    others = [f"W/{etag}", '"another"', etag.strip('"'), f'{etag}, "b"', date, ""]
    assert {other: status(other) for other in others} == dict.fromkeys(others, 200)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"another", {}', "*"])
def test_if_none_match_with_current_etag_returns_304(fetch, etag, form):
    headers = {"If-None-Match": form.format(etag), "Range": "bytes=5-"}

    answer = fetch(headers)

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["ETag"] == etag
    assert count_downloads() == 0


@pytest.mark.parametrize("method", ["get", "head"])
def test_if_match_with_other_etag_returns_412(fetch, etag, method):
    assert fetch({"If-Match": etag}, method).status_code == 200
    refused = fetch({"If-Match": f'"another", W/{etag}'}, method)
    assert refused.status_code == 412
    assert method == "head" or refused.json()["code"] == "precondition_failed"
    assert count_downloads() == (method == "get")


def test_date_conditions_are_evaluated(fetch):
    now = fetch(method="head")["Last-Modified"]
    before, later = "Mon, 01 Jan 2024 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"

    def status(header, date):
        return fetch({header: date}).status_code

    assert status("If-Modified-Since", now) == 304
    assert status("If-Modified-Since", before) == 200
    assert status("If-Unmodified-Since", later) == 200
    assert status("If-Unmodified-Since", before) == 412


def test_head_of_result_is_not_logged_as_download(fetch, content):
    head = fetch({"Range": "bytes=5-"}, "head")

    assert count_downloads() == 0
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Length"] == str(len(content))
    whole = fetch()
    varying = {"X-Request-ID"}
    assert {(k, v) for k, v in head.items() if k not in varying} == {
        (k, v) for k, v in whole.items() if k not in varying
    }


@pytest.mark.guarantee("A file is closed after every download.")
@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=5-"}])
def test_result_read_in_part_closes_its_file(as_user, teacher, url, headers):
    answer = as_user(teacher).get(url, headers=headers)
    next(iter(answer))
    were_open = len(open_result_files())

    answer.close()

    assert (were_open, open_result_files()) == (1, [])


@pytest.mark.parametrize(
    "headers",
    [{"If-None-Match": "*"}, {"If-Match": '"another"'}, {"Range": "bytes=999999-"}],
)
def test_result_not_sent_leaves_no_open_file(fetch, headers):
    fetch(headers)

    assert open_result_files() == []


@pytest.mark.guarantee("A file is closed after every download.")
@pytest.mark.each_database
def test_result_that_cannot_be_logged_is_not_sent(teacher, task, monkeypatch):
    def break_down(*args):
        raise OperationalError("disk full")

    monkeypatch.setattr(access_log, "record_access", break_down)
    result = downloads.find_result(task.pk, teacher)

    with pytest.raises(OperationalError):
        downloads.open_result(result, teacher)
    assert open_result_files() == []


def test_range_of_large_file_is_read_in_pieces(fetch, task):
    path = settings.ARTIFACTS_DIR / task.artifact
    path.write_bytes(bytes(3_000_000))

    answer = fetch({"Range": "bytes=1000000-"})
    pieces = [len(piece) for piece in answer]

    assert sum(pieces) == 2_000_000
    assert max(pieces) <= 64 * 1024


def test_result_with_missing_file_returns_410(fetch, task):
    artifacts.delete_artifact(task.artifact)

    assert fetch().status_code == fetch(method="head").status_code == 410


@pytest.mark.parametrize(
    "accept", ["text/csv", "*/*", "application/problem+json", "image/png"]
)
def test_result_ignores_the_accept_header(as_user, teacher, accept):
    task = run_task(teacher, format="csv")

    answer = as_user(teacher).get(
        f"/tasks/{task.pk}/result", headers={"Accept": accept}
    )

    assert b"".join(answer).startswith(b"school,year,class,")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"


def test_result_of_unfinished_task_returns_409_with_retry_after(as_user, teacher):
    answer = as_user(teacher).get(f"/tasks/{queue_task(teacher).pk}/result")

    assert answer.status_code == 409
    assert answer["Retry-After"] == "1"
    assert answer.json()["task"]["state"] == "queued"


def test_result_of_expired_task_returns_410(as_user, teacher):
    task = run_task(teacher)
    lifecycle.erase(task)

    answer = as_user(teacher).get(f"/tasks/{task.pk}/result")

    assert answer.status_code == 410
    assert as_user(teacher).get(f"/tasks/{task.pk}").json()["state"] == "expired"


@pytest.mark.parametrize("format", sorted(registry.format_classes()))
def test_inline_shows_pdf_and_saves_all_other_formats(as_user, teacher, format):
    task = run_task(teacher, kind="report_card", format=format)
    url = f"/tasks/{task.pk}/result"
    client = as_user(teacher)

    headers = {
        value: client.head(f"{url}?inline={value}").headers for value in ("0", "1")
    }

    disposition = {value: it["Content-Disposition"] for value, it in headers.items()}
    assert disposition["0"].startswith("attachment; filename=")
    assert disposition["0"] == client.head(url)["Content-Disposition"]
    if format == "pdf":
        assert disposition["1"] == disposition["0"].replace("attachment", "inline")
        policy = headers["1"]["Content-Security-Policy"]
        assert {"default-src 'none'", "frame-ancestors 'none'"} <= {*policy.split("; ")}
    else:
        assert disposition["1"] == disposition["0"]
    assert {it["X-Content-Type-Options"] for it in headers.values()} == {"nosniff"}
    assert {it["X-Frame-Options"] for it in headers.values()} == {"DENY"}
    assert "Content-Security-Policy" not in headers["0"]


@pytest.mark.parametrize("value", ["", "2", "yes"])
def test_other_value_of_inline_is_refused(as_user, teacher, url, value):
    answer = as_user(teacher).get(f"{url}?inline={value}")

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (400, "/inline")
