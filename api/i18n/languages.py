"""Languages of the API, and the active one."""

from django.utils.translation import get_language

LANGUAGES = [("pt-BR", "Português (Brasil)"), ("en", "English")]


def current_language() -> str:
    """Return the active language as a BCP 47 tag.

    It follows `Accept-Language`; the default is Portuguese.
    """
    return "en" if (get_language() or "").startswith("en") else "pt-BR"
