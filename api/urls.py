"""The whole API on one screen."""

from django.urls import path
from drf_spectacular.views import (
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)

from api.views import health, me, pages, records, reports, results, tasks, tokens

urlpatterns = [
    path("auth/token", tokens.Login.as_view()),
    path("auth/token/refresh", tokens.Refresh.as_view()),
    path("auth/logout", tokens.Logout.as_view()),
    path("me", me.Me.as_view()),
    path("reports", reports.Reports.as_view()),
    path("reports/<slug:kind>", reports.ReportKind.as_view()),
    path("schools", records.Schools.as_view()),
    path("classes", records.Classes.as_view()),
    path("students/search", records.StudentsSearch.as_view()),
    path("tasks", tasks.Tasks.as_view()),
    path("tasks/<uuid:task_id>", tasks.TaskDetail.as_view()),
    path("tasks/<uuid:task_id>/cancel", tasks.TaskCancel.as_view()),
    path("tasks/<uuid:task_id>/result", results.TaskResult.as_view()),
    path("tasks/<uuid:task_id>/result/link", results.TaskResultLink.as_view()),
    path("healthz", health.Healthz.as_view()),
    path("readyz", health.Readyz.as_view()),
    path("openapi.yaml", pages.OpenapiDocument.as_view(), name="openapi"),
    path(
        "docs",
        SpectacularSwaggerSplitView.as_view(url_name="openapi", metadata_class=None),
    ),
    path(
        "redoc",
        SpectacularRedocView.as_view(
            url_name="openapi", template_name="api/redoc.html", metadata_class=None
        ),
    ),
    path("problems", pages.problem_list),
    path("problems/<slug:code>", pages.problem_page),
    path("", pages.home),
]
