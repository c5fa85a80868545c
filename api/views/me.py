"""View of `/me`: the logged-in user and the scope of what they see."""

from typing import Any, cast

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.openapi.operations import operation
from api.serializers.directory import CurrentUser
from api.serializers.shared import represent
from school import access
from school.models import Role, User

_SCOPE_MEMBER_BY_ROLE = {
    Role.ADMINISTRATOR: "networks",
    Role.STAFF: "schools",
    Role.TEACHER: "classes",
    Role.GUARDIAN: "students",
}


class Me(APIView):
    permission_classes = [IsAuthenticated]  # also where the password must be changed

    @operation(
        "get_me",
        "Your user and scope",
        tag="auth",
        responses={200: CurrentUser},
        headers={200: ["Cache-Control"]},
        problems=[401, 503],
    )
    def get(self, request: Request) -> Response:
        viewer = cast(User, request.user)
        scope: dict[str, Any] = {name: [] for name in _SCOPE_MEMBER_BY_ROLE.values()}
        scope[_SCOPE_MEMBER_BY_ROLE[Role(viewer.role)]] = access.attached_records(
            viewer
        )
        scope["everything"] = access.sees_everything(viewer)
        me = {
            "username": viewer.username,
            "name": viewer.get_full_name() or viewer.username,
            "roles": [viewer.role],
            "role_labels": [viewer.get_role_display()],
            "must_change_password": viewer.must_change_password,
            "scope": scope,
        }
        return Response(represent(CurrentUser, me))
