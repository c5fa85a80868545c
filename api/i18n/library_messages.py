"""What libraries say to our clients, and their own catalogues say wrongly in Portuguese."""

from django.utils.translation import gettext_noop

# To be marked is all it takes: our catalogue goes before theirs, as our apps do.
TRANSLATION_OVERRIDES = (
    gettext_noop("This field may not be null."),
    gettext_noop("This field may not be blank."),
    gettext_noop("Ensure this field has at least {min_length} characters."),
    gettext_noop("Not a valid string."),
    gettext_noop("Invalid data. Expected a dictionary, but got {datatype}."),
    gettext_noop("Incorrect authentication credentials."),
    gettext_noop("Request was throttled."),
    gettext_noop("Expected available in {wait} second."),
    gettext_noop("Expected available in {wait} seconds."),
    gettext_noop("No active account found with the given credentials"),
    gettext_noop("No active account found for the given token."),
    gettext_noop("Token is blacklisted"),
    gettext_noop("Token has wrong type"),
)
