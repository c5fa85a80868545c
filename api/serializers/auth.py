"""Serializers of the request bodies of `/auth`."""

from rest_framework import serializers

from api.serializers.strict import StrictSerializer


class LoginSerializer(StrictSerializer):
    username = serializers.CharField()
    # A password may begin or end with a space.
    password = serializers.CharField(trim_whitespace=False)


class RefreshTokenSerializer(StrictSerializer):
    refresh = serializers.CharField()
