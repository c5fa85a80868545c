"""Read-only Django admin for tasks and the access log."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from tasks.models import AccessLogEntry, Task


class ReadOnlyAdmin(admin.ModelAdmin):
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "state", "requester", "attempt", "created_at"]
    list_filter = ["state", "kind", "queue"]
    list_select_related = ["requester"]
    search_fields = ["id", "requester__username"]


@admin.register(AccessLogEntry)
class AccessLogEntryAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "viewer", "action", "kind", "task_id"]
    list_filter = ["action", "kind"]
    list_select_related = ["viewer"]
    search_fields = ["task_id", "viewer__username"]
