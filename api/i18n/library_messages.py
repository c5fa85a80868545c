"""Overrides for wrong pt-BR translations shipped by libraries."""

from django.utils.translation import gettext_noop

# Marking them is enough: Django prefers the catalogue of the app that is installed first.
TRANSLATION_OVERRIDES = (
    gettext_noop("This field may not be null."),
    gettext_noop("This field may not be blank."),
    gettext_noop("Ensure this field has at least {min_length} characters."),
    gettext_noop("Ensure this value is greater than or equal to {min_value}."),
    gettext_noop("Not a valid string."),
    gettext_noop("Invalid data. Expected a dictionary, but got {datatype}."),
    gettext_noop("Incorrect authentication credentials."),
    gettext_noop("Request was throttled."),
    gettext_noop("Expected available in {wait} second."),
    gettext_noop("Expected available in {wait} seconds."),
)
