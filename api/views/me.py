"""`/me`: who is logged in, and what they see."""

from typing import Any, cast

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.openapi.operations import operation
from api.serializers.directory import Myself
from school import access
from school.models import Role, User

_ATTACHED = {
    Role.ADMINISTRATOR: "networks",
    Role.STAFF: "schools",
    Role.TEACHER: "classes",
    Role.GUARDIAN: "students",
}


class Me(APIView):
    @operation(
        "get_me",
        "Who you are, and what you are attached to",
        tag="auth",
        answers={200: Myself},
        headers={200: ["Cache-Control"]},
        problems=[401, 503],
    )
    def get(self, request: Request) -> Response:
        viewer = cast(User, request.user)
        scope: dict[str, Any] = {name: [] for name in _ATTACHED.values()}
        scope[_ATTACHED[Role(viewer.role)]] = access.attached_records(viewer)
        scope["everything"] = access.sees_everything(viewer)
        me = {
            "username": viewer.username,
            "name": viewer.get_full_name() or viewer.username,
            "roles": [viewer.role],
            "scope": scope,
        }
        return Response(Myself(me).data)
