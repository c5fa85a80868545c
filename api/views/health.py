"""Views of `/healthz` and `/readyz`, for liveness and readiness probes."""

from typing import Any

from django.db import Error, connection
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.openapi.operations import operation
from api.problems.handler import RETRY_AFTER_SECONDS
from tasks import redis_store
from tasks.circuit_breaker import RedisUnavailable
from tasks.submission import storage

COMPONENTS = ("dispatcher", "default", "reports", "reports.bulk")


class HealthDocument(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["ok", "unavailable"])
    checks = serializers.DictField(child=serializers.BooleanField(), required=False)


class Healthz(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    @operation(
        "healthz",
        "Liveness probe",
        tag="health",
        responses={200: HealthDocument},
    )
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class Readyz(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    @operation(
        "readyz",
        "Readiness probe",
        tag="health",
        responses={200: HealthDocument, 503: HealthDocument},
        headers={503: ["Retry-After"]},
    )
    def get(self, request: Request) -> Response:
        """Checks the database, Redis, the dispatcher, the workers of each queue and the free
        space for results."""
        checks = {
            "database": _is_database_up(),
            **_redis_checks(),
            "disk": storage.has_free_disk(),
        }
        is_ready = all(checks.values())
        document = {"status": "ok" if is_ready else "unavailable", "checks": checks}
        if is_ready:
            return Response(document)
        return Response(
            document, status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}
        )


def _is_database_up() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def _redis_checks() -> dict[str, bool]:
    try:
        return {"redis": True, **redis_store.get_alive(COMPONENTS)}
    except RedisUnavailable:
        return {"redis": False, **dict.fromkeys(COMPONENTS, False)}
