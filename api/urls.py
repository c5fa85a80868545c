"""URL patterns of the API and its pages."""

from django.urls import path
from drf_spectacular.views import (
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)

from api.views import (
    auth,
    directory,
    docs,
    health,
    home,
    me,
    otp,
    reports,
    results,
    student_directory,
    tasks,
)

urlpatterns = [
    path("auth/token", auth.Login.as_view()),
    path("auth/token/refresh", auth.Refresh.as_view()),
    path("auth/password", auth.ChangePassword.as_view()),
    path("auth/logout", auth.Logout.as_view()),
    path("auth/logout-all", auth.LogoutAll.as_view()),
    path("auth/otp", otp.Otp.as_view()),
    path("auth/otp/confirm", otp.OtpConfirm.as_view()),
    path("auth/otp/recovery-codes", otp.OtpRecoveryCodes.as_view()),
    path("me", me.Me.as_view()),
    path("reports", reports.Reports.as_view()),
    path("reports/<slug:kind>", reports.ReportKind.as_view()),
    path("schools", directory.Schools.as_view()),
    path("schools/<int:school_id>", directory.SchoolDetail.as_view()),
    path("classes", directory.Classes.as_view()),
    path("classes/<int:class_id>", directory.ClassDetail.as_view()),
    path("school-years", directory.SchoolYears.as_view()),
    path("school-years/<int:school_year_id>", directory.SchoolYearDetail.as_view()),
    path("grade-levels", directory.GradeLevels.as_view()),
    path("grade-levels/<int:grade_level_id>", directory.GradeLevelDetail.as_view()),
    path("students/search", student_directory.StudentsSearch.as_view()),
    path("students/<int:student_id>", student_directory.StudentDetail.as_view()),
    path("tasks", tasks.Tasks.as_view()),
    path("tasks/<uuid:task_id>", tasks.TaskDetail.as_view()),
    path("tasks/<uuid:task_id>/cancel", tasks.TaskCancel.as_view()),
    path("tasks/<uuid:task_id>/rerun", tasks.TaskRerun.as_view()),
    path("tasks/<uuid:task_id>/result", results.TaskResult.as_view()),
    path("tasks/<uuid:task_id>/result/link", results.TaskResultLink.as_view()),
    path("healthz", health.Healthz.as_view()),
    path("readyz", health.Readyz.as_view()),
    path("openapi.yaml", docs.OpenapiDocument.as_view(), name="openapi"),
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
    path("problems", docs.problem_list),
    path("problems/<slug:code>", docs.problem_page),
    path(".well-known/security.txt", docs.security_txt),
    path("", home.Home.as_view()),
]
