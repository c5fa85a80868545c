"""Poll and submission with Django REST framework, and the poll with django-ninja."""

import hashlib
import json
import uuid
from typing import Any

import redis
from celery.result import AsyncResult
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError
from ninja.security import HttpBearer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.peers import web_config
from bench.peers.celery_app import app as celery_app
from bench.peers.celery_app import make_report
from bench.peers.django_tokens import TokenUser, read_token


def read_task(task_id: Any, user: Any) -> tuple[str, dict[str, Any]]:
    """Return the state and the document of the user's own task."""
    result: AsyncResult[Any] = AsyncResult(str(task_id), app=celery_app)
    state, info = result.state, result.info
    if not isinstance(info, dict) or info["owner_id"] != user.pk:
        raise Http404
    return state, info


def etag_of(state: str, document: dict[str, Any]) -> str:
    content = f"{state}{sorted(document.items())}".encode()
    return f'"{hashlib.sha256(content).hexdigest()[:24]}"'


class ProgressSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    percent = serializers.FloatField(allow_null=True)


class TaskSerializer(serializers.Serializer[Any]):
    task_id = serializers.UUIDField()
    report = serializers.CharField()
    state = serializers.CharField()
    progress = ProgressSerializer()
    created_at = serializers.CharField()
    started_at = serializers.CharField(allow_null=True)
    poll_after_ms = serializers.IntegerField(allow_null=True)
    url = serializers.CharField()


class ReportSerializer(serializers.Serializer[Any]):
    report = serializers.CharField(max_length=60)
    parameters = serializers.DictField(default=dict)
    format = serializers.CharField(max_length=20, default="json")
    label = serializers.CharField(max_length=200, default="", allow_blank=True)  # type: ignore[assignment]  # a field, not the property


class TaskView(APIView):
    def get(self, request: Request, task_id: Any) -> Response:
        state, document = read_task(task_id, request.user)
        etag = etag_of(state, document)
        headers = {"ETag": etag}
        if request.headers.get("If-None-Match") == etag:
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers=headers)
        return Response(TaskSerializer(document).data, headers=headers)


class ReportsView(APIView):
    def post(self, request: Request) -> Response:
        serializer = ReportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        result = make_report.delay("", serializer.validated_data)
        task = {"task_id": result.id, "state": "queued", "url": f"/tasks/{result.id}"}
        return Response(task, status=status.HTTP_202_ACCEPTED)


class Progress(Schema):
    done: int
    total: int | None
    percent: float | None


class TaskDocument(Schema):
    task_id: str
    report: str
    state: str
    progress: Progress
    created_at: str
    started_at: str | None
    poll_after_ms: int | None
    url: str


class NinjaBearer(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> TokenUser | None:
        return read_token(token)


redis_client = redis.Redis.from_url(web_config.REDIS_URL)
ninja = NinjaAPI(auth=NinjaBearer())


@ninja.get("/tasks/{uuid:task_id}", response={200: TaskDocument, 304: None})
def poll(request: Any, response: HttpResponse, task_id: uuid.UUID) -> Any:
    content: Any = redis_client.hgetall(web_config.document_key(str(task_id)))
    if not content or int(content[b"owner_id"]) != request.auth.pk:
        raise HttpError(404, "Not Found")
    document = content[b"document"]
    response["ETag"] = etag = f'"{hashlib.sha256(document).hexdigest()[:24]}"'
    if request.headers.get("If-None-Match") == etag:
        return 304, None
    return json.loads(document)


urlpatterns = [
    path("tasks/<uuid:task_id>", TaskView.as_view()),
    path("reports", ReportsView.as_view()),
    path("ninja/", ninja.urls),
]
