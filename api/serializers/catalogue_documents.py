"""Documents of the catalogue of reports in the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from api.serializers.requests import RequestField
from api.serializers.tasks import FORMATS
from tasks.rendering.columns import AUDIENCES


class LookupDocument(serializers.Serializer[Any]):
    method = serializers.ChoiceField(choices=["GET", "POST"])
    href = serializers.CharField()
    value = serializers.CharField(
        help_text="Member of a result to send as the parameter. Several results may have the "
        "same value, such as the year of two semesters: show it once."
    )
    label = serializers.CharField(  # type: ignore[assignment]
        help_text="Member of a result to show to the user; it tells the results apart."
    )
    label_template = serializers.CharField(
        help_text="The parts of the label, with members of a result in braces."
    )
    search = serializers.CharField(
        allow_null=True,
        help_text="Member of the request for what the user types; null if there is no search.",
    )
    depends_on = serializers.ListField(
        child=serializers.CharField(),
        help_text="Parameters whose values, once chosen, narrow the list: send them under the "
        "same names.",
    )
    multiple = serializers.BooleanField(
        help_text="True if the parameter is a list of such values."
    )
    record = serializers.CharField(
        allow_null=True,
        help_text="URL of one record, with its value in braces; null if the value is no id.",
    )
    page_size = serializers.CharField(
        help_text="Member of the request for the number of results."
    )
    max_page_size = serializers.IntegerField()
    next = serializers.CharField(
        help_text="Member of the response that leads to the next page, null on the last one: "
        "for GET its URL, for POST the value of `cursor`."
    )
    cursor = serializers.CharField(help_text="Member of a POST for the next page.")


class FormatDocument(serializers.Serializer[Any]):
    format = serializers.ChoiceField(choices=FORMATS)
    label = serializers.CharField(help_text="Name of the format to show to the user.")  # type: ignore[assignment]
    media_type = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        return {
            **super().get_fields(),
            "for": serializers.ChoiceField(  # a keyword, which no attribute can be named
                choices=AUDIENCES,
                help_text="People see titles and labels, programs see names and codes.",
            ),
        }


class CatalogueEntry(serializers.Serializer[Any]):
    report = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    formats = FormatDocument(many=True)
    parameters = serializers.DictField(help_text="JSON Schema of the parameters.")
    lookups = serializers.DictField(
        child=LookupDocument(),
        help_text="Request that lists the records you may name, by parameter.",
    )
    example = RequestField()
    median_seconds = serializers.FloatField(
        allow_null=True,
        help_text="Median duration of recent reports; null if there are none.",
    )


class Catalogue(serializers.Serializer[Any]):
    results = CatalogueEntry(many=True)
