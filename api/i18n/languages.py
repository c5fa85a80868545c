"""The languages of the API's texts, and which of them is spoken at the moment."""

from django.utils.translation import get_language

LANGUAGES = [("pt-BR", "Português (Brasil)"), ("en", "English")]


def current_language() -> str:
    """The language that is active, as the contract and HTML name it.

    It is that of the request, after `Accept-Language`; whoever asks for neither gets
    Portuguese.
    """
    return "en" if (get_language() or "").startswith("en") else "pt-BR"
