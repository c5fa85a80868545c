"""Paths that `GET /` links to, by the name of their purpose."""

PATHS = {
    "log_in": "/auth/token",
    "me": "/me",
    "reports": "/reports",
    "tasks": "/tasks",
    "schools": "/schools",
    "classes": "/classes",
    "school_years": "/school-years",
    "grade_levels": "/grade-levels",
    "students": "/students/search",
    "contract": "/openapi.yaml",
    "documentation": "/docs",
    "problems": "/problems",
    "health": "/readyz",
}
