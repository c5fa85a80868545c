"""`/tasks/<id>/result`: the file a task made."""

import uuid
from typing import cast

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.views import APIView

from api.problems import Problem
from api.schema import operation
from api.views.tasks import TaskListing
from school.models import User
from tasks.errors import NoResult
from tasks.telling import downloads

ROWS = {"type": "array", "items": {"type": "object", "additionalProperties": {}}}


class TaskResult(APIView):
    @operation(
        "get_result",
        "The file a task made",
        tag="tasks",
        answers={(200, "application/json"): ROWS,
                 (200, "text/csv"): OpenApiTypes.BINARY},
        headers={200: ["ETag", "Content-Disposition"]},
        problems=[401, 404, 409, 410, 503],
    )  # fmt: skip
    def get(self, request: Request, task_id: uuid.UUID) -> FileResponse:
        try:
            download = downloads.open_result(task_id, cast(User, request.user))
        except NoResult as none:
            wait = None if none.task.is_final else 1
            document = TaskListing(none.task).data
            raise Problem("no_result", wait=wait, task=document) from None
        response = FileResponse(
            download.file,
            as_attachment=True,
            filename=download.filename,
            content_type=download.media_type,
        )
        response["ETag"] = f'"{download.sha256}"'
        response["Cache-Control"] = "private, no-store"
        return response
