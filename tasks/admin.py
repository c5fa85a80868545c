"""Read-only Django admin for tasks and the access log.

A viewer sees those of the users in reach, who see nothing that the viewer does not see.
The pages name no pupil: reports are files, and parameters are ids.
"""

import json
from collections.abc import Callable

from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from school import record_access
from school.admin.base import ReadOnlyAdmin
from school.models import User
from tasks.models import AccessLogEntry, Task


def _by_user(path: str) -> Callable[[User], Q]:
    """Return the filter of rows whose user, found through `path`, the viewer may see."""

    def visible(viewer: User) -> Q:
        return Q(**{f"{path}__in": record_access.visible_users(viewer).values("pk")})

    return visible


record_access.register(Task, record_access.RecordAccess(_by_user("requester")))
record_access.register(AccessLogEntry, record_access.RecordAccess(_by_user("viewer")))


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    exclude = ["about", "label", "metadata", "result"]  # they may name a student
    readonly_fields = ["outcome"]
    list_display = ["id", "kind", "state", "requester", "attempt", "created_at"]
    list_filter = ["state", "kind", "queue"]
    list_select_related = ["requester"]
    search_fields = ["id", "requester__username"]

    @admin.display(description=_("Result"))
    def outcome(self, task: Task) -> str:
        """Return the result without the name of its file, which may be that of a student."""
        result = {**(task.result or {})}
        result.pop("filename", None)
        return json.dumps(result, ensure_ascii=False) if result else "-"


@admin.register(AccessLogEntry)
class AccessLogEntryAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "viewer", "action", "kind", "task_id"]
    list_filter = ["action", "kind"]
    list_select_related = ["viewer"]
    search_fields = ["task_id", "viewer__username"]
