"""`/healthz` and `/readyz`: for the probes of whoever runs the service."""

from django.db import DatabaseError, connection
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.schema import operation
from api.serializers import HealthDocument
from tasks import store
from tasks.breaker import RedisAway

WATCHED = ("dispatcher", "default", "reports", "reports.bulk")


class Healthz(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    @operation(
        "healthz", "Is the process alive?", tag="health", answers={200: HealthDocument}
    )
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class Readyz(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    @operation(
        "readyz",
        "Can reports be asked for and made?",
        tag="health",
        answers={200: HealthDocument, 503: HealthDocument},
    )
    def get(self, request: Request) -> Response:
        """The database, Redis, the dispatcher, and the workers of each queue."""
        checks = {"database": _database_answers(), **_redis_checks()}
        is_ready = all(checks.values())
        document = {"status": "ok" if is_ready else "unavailable", "checks": checks}
        return Response(document, status=200 if is_ready else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis_checks() -> dict[str, bool]:
    try:
        return {"redis": True, **store.alive(WATCHED)}
    except RedisAway:
        return {"redis": False, **dict.fromkeys(WATCHED, False)}
