"""Bodies of `POST /reports` and `POST /tasks/<id>/result/link`."""

from typing import Any

from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.i18n.languages import LANGUAGES
from api.serializers.strict import (
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
)

MAX_LABEL_LENGTH = 200
MAX_METADATA_MEMBERS = 20
MAX_METADATA_NAME_LENGTH = 40
MAX_METADATA_TEXT_LENGTH = 500
MIN_LINK_SECONDS = 60
MAX_LINK_SECONDS = 24 * 60 * 60


@extend_schema_field({"$ref": "#/components/schemas/ReportRequest"})
class RequestField(serializers.DictField):
    """Complete body of `POST /reports`."""


class MetadataField(serializers.DictField):
    """The client's own data: a few short texts by name."""

    child = StrictCharField(
        max_length=MAX_METADATA_TEXT_LENGTH, allow_blank=True, trim_whitespace=False
    )
    default_error_messages = {
        "too_many": gettext_lazy("There are more than {limit} members."),
        "name_not_valid": gettext_lazy(
            "A name has 1 to {limit} characters, and no null character."
        ),
    }

    def to_internal_value(self, data: Any) -> dict[str, str]:
        result: dict[str, str] = super().to_internal_value(data)
        if len(result) > MAX_METADATA_MEMBERS:
            self.fail("too_many", limit=MAX_METADATA_MEMBERS)
        for name in result:
            if not 1 <= len(name) <= MAX_METADATA_NAME_LENGTH or "\0" in name:
                self.fail("name_not_valid", limit=MAX_METADATA_NAME_LENGTH)
        return result


class ReportSerializer(StrictSerializer):
    report = serializers.CharField(max_length=60)
    parameters = serializers.JSONField(default=dict)
    format = serializers.CharField(max_length=20, default="json")
    language = serializers.ChoiceField(choices=LANGUAGES, required=False)
    label = StrictCharField(max_length=MAX_LABEL_LENGTH, required=False)  # type: ignore[assignment]
    metadata = MetadataField(required=False)


class ResultLinkSerializer(StrictSerializer):
    expires_in = StrictIntegerField(
        min_value=MIN_LINK_SECONDS,
        max_value=MAX_LINK_SECONDS,
        required=False,
        help_text="Seconds for which the link is to be valid. Default: some minutes, and "
        "longer for a large file.",
    )
