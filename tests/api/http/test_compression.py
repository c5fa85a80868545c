import gzip
import json

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from api.http.middleware import CompressionMiddleware
from tasks import artifacts
from tasks.reporting import registry
from tests.support.task_factories import queue_task, run_task

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database("compression does not depend on the database"),
]

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
LONG_BODY = b"a line of a report\n" * 1000


def compress(response, method="GET", accept_encoding="gzip"):
    """Pass the response through the middleware."""
    request = RequestFactory().generic(
        method, "/", headers={"Accept-Encoding": accept_encoding}
    )
    if not response.streaming:  # set by Django's own middleware
        response["Content-Length"] = str(len(response.content))
    return CompressionMiddleware(lambda request: response)(request)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json", "application/problem+json", "text/csv; charset=utf-8",
        "text/html", "text/plain", "application/javascript", "application/jsonl",
        "application/vnd.oai.openapi; charset=utf-8",
    ],
)  # fmt: skip
def test_long_text_is_compressed(media_type):
    answer = compress(HttpResponse(LONG_BODY, content_type=media_type))

    assert answer["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content) == LONG_BODY
    assert answer["Content-Length"] == str(len(answer.content))
    assert answer["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "media_type",
    [
        "application/pdf", "application/zip", "image/png", "application/octet-stream",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "",
    ],
)  # fmt: skip
def test_compressed_format_is_not_compressed(media_type):
    answer = compress(HttpResponse(LONG_BODY, headers={"Content-Type": media_type}))

    assert answer.content == LONG_BODY
    assert "Content-Encoding" not in answer
    assert "Vary" not in answer


@pytest.mark.parametrize("format", registry.format_classes().values())
def test_format_is_compressed_if_it_declares_so(format):
    answer = compress(HttpResponse(LONG_BODY, content_type=format.media_type))

    assert ("Content-Encoding" in answer) == format.is_compressible


@pytest.mark.parametrize(
    "accepted", ["", "br", "identity", "gzip;q=0", "gzip ; q=0.000, br"]
)
def test_text_without_gzip_accepted_is_not_compressed(accepted):
    answer = compress(
        HttpResponse(LONG_BODY, content_type="text/csv"), accept_encoding=accepted
    )

    assert answer.content == LONG_BODY
    assert answer["Vary"] == "Accept-Encoding"


def test_text_with_low_gzip_quality_is_compressed():
    answer = compress(
        HttpResponse(LONG_BODY, content_type="text/csv"), accept_encoding="gzip;q=0.1"
    )

    assert answer["Content-Encoding"] == "gzip"


def test_short_text_is_not_compressed():
    answer = compress(HttpResponse(LONG_BODY[:1399], content_type="text/csv"))

    assert "Content-Encoding" not in answer


def test_stream_of_unknown_length_is_not_compressed():
    events = StreamingHttpResponse([LONG_BODY], content_type="text/event-stream")

    assert "Content-Encoding" not in compress(events)


def test_compressed_file_has_a_weak_etag(as_user, teacher):
    task = run_task(teacher, format="csv")
    content = artifacts.read_artifact(task.artifact)

    answer = as_user(teacher).get(f"/tasks/{task.pk}/result", headers=GZIP)

    assert gzip.decompress(answer.getvalue()) == content
    assert answer["ETag"] == f'W/"{task.result["sha256"]}"'
    assert answer["Accept-Ranges"] == "none"
    assert "Content-Length" not in answer


@pytest.mark.parametrize("form", ["{}", "W/{}"])
def test_compressed_file_etag_matches_if_none_match(as_user, teacher, form):
    task = run_task(teacher, format="csv")
    etag = form.format(f'"{task.result["sha256"]}"')
    headers = GZIP | {"If-None-Match": etag}

    answer = as_user(teacher).get(f"/tasks/{task.pk}/result", headers=headers)

    assert answer.status_code == 304


@pytest.mark.parametrize("method", ["get", "head"])
def test_range_and_head_of_file_are_not_compressed(as_user, teacher, method):
    task = run_task(teacher, format="csv")
    ask = getattr(as_user(teacher), method)
    headers = GZIP | {"Range": "bytes=100-"}

    answer = ask(f"/tasks/{task.pk}/result", headers=headers)

    content = artifacts.read_artifact(task.artifact)
    start = 100 if method == "get" else 0
    assert "Content-Encoding" not in answer
    assert answer["Content-Length"] == str(len(content) - start)
    assert answer["ETag"] == f'"{task.result["sha256"]}"'
    assert "Accept-Encoding" in answer["Vary"]
    assert answer.getvalue() == (content[100:] if method == "get" else b"")


@pytest.mark.guarantee("A range request never continues a compressed download.")
def test_range_after_compressed_download_returns_whole_file(as_user, teacher):
    task = run_task(teacher, format="csv")
    client = as_user(teacher)
    whole = client.get(f"/tasks/{task.pk}/result", headers=GZIP)
    whole.getvalue()

    resumed = client.get(
        f"/tasks/{task.pk}/result",
        headers=GZIP | {"Range": "bytes=100-", "If-Range": whole["ETag"]},
    )

    assert resumed.status_code == 200
    assert gzip.decompress(resumed.getvalue()) == artifacts.read_artifact(task.artifact)


def test_long_document_is_compressed_and_short_is_not(as_user, teacher):
    client = as_user(teacher)

    short = client.get(f"/tasks/{queue_task(teacher).pk}", headers=GZIP)
    long = client.get(f"/tasks/{run_task(teacher).pk}", headers=GZIP)

    assert "Content-Encoding" not in short
    assert long["Content-Encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(long.content))["result"]["data"]) == 40


def test_static_file_is_not_compressed(client):
    css = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css"

    answer = client.get(css, headers=GZIP)

    assert answer.status_code == 200
    assert len(answer.getvalue()) == int(answer["Content-Length"]) > 10_000
    assert "Content-Encoding" not in answer  # a checkout has no precompressed files
