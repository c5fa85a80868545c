"""Views of `/auth/otp`: set up, renew and remove the second factor."""

from dataclasses import asdict
from typing import cast

from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.auth import otp_checks, sessions
from api.openapi.operations import operation
from api.serializers.auth import (
    ConfirmedOtp,
    Enrolment,
    OtpSerializer,
    PasswordAndOtpSerializer,
    PasswordSerializer,
    RecoveryCodes,
)
from api.views.auth import parse_body
from school import second_factor
from school.models import User

_PROBLEMS = [400, 401, 413, 415, 429, 503]


class OtpView(APIView):
    """View for users who lack a second factor, too."""

    permission_classes = [IsAuthenticated]
    throttle_classes = [otp_checks.OtpThrottle]


class Otp(OtpView):
    @operation(
        "start_otp",
        "Start to set up a second factor",
        tag="auth",
        body=PasswordSerializer,
        responses={200: Enrolment},
        problems=_PROBLEMS,
    )
    def post(self, request: Request) -> Response:
        """Returns a new secret for an authenticator app. It counts once a code of it has been
        sent to `/auth/otp/confirm`; until then this may be repeated."""
        user = cast(User, request.user)
        otp_checks.check_again(user, **parse_body(PasswordSerializer, request))
        try:
            return Response(asdict(second_factor.start(user)))
        except second_factor.SecondFactorExists:
            raise otp_checks.already_exists() from None

    @operation(
        "remove_otp",
        "Remove the second factor",
        tag="auth",
        body=PasswordAndOtpSerializer,
        responses={204: None},
        problems=_PROBLEMS,
    )
    def delete(self, request: Request) -> Response:
        """Removes the second factor and its recovery codes."""
        user = cast(User, request.user)
        otp_checks.check_again(user, **parse_body(PasswordAndOtpSerializer, request))
        second_factor.remove(user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class OtpConfirm(OtpView):
    @operation(
        "confirm_otp",
        "Confirm the second factor",
        tag="auth",
        body=OtpSerializer,
        responses={200: ConfirmedOtp},
        problems=_PROBLEMS,
    )
    def post(self, request: Request) -> Response:
        """Confirms the second factor with a first code, and returns ten recovery codes. Each
        replaces one code of a lost app. They are not shown again. All sessions of your user
        end, since the password alone began them; the tokens are those of a new one."""
        user = cast(User, request.user)
        try:
            codes = second_factor.confirm(
                user, parse_body(OtpSerializer, request)["otp"]
            )
        except second_factor.NotStarted:
            raise otp_checks.not_started() from None
        if codes is None:
            raise otp_checks.wrong_otp()
        otp_checks.reset_failures(user.pk)
        return Response({"recovery_codes": codes, **asdict(sessions.start(user))})


class OtpRecoveryCodes(OtpView):
    @operation(
        "renew_recovery_codes",
        "Renew the recovery codes",
        tag="auth",
        body=PasswordAndOtpSerializer,
        responses={200: RecoveryCodes},
        problems=_PROBLEMS,
    )
    def post(self, request: Request) -> Response:
        """Returns ten new recovery codes; the old ones end."""
        user = cast(User, request.user)
        otp_checks.check_again(user, **parse_body(PasswordAndOtpSerializer, request))
        return Response({"recovery_codes": second_factor.renew_recovery_codes(user)})
