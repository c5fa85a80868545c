"""Searches of the admin's lists: the words stay in the session, the URL has a random key.

URLs stand in logs of proxies and in the history of browsers; words are names of pupils.
"""

from django.http import HttpRequest
from django.utils.crypto import get_random_string

KEY_PARAMETER = "s"
"""Query parameter with the key of a search."""
WORDS_PARAMETER = "q"
"""Field of the posted form with the words, and Django's own query parameter for them."""
SESSION_MEMBER = "admin_searches"
MAX_SEARCHES = 20
"""Searches that a session remembers, so that it stays small."""
KEY_LENGTH = 12


def save_search(request: HttpRequest, words: str) -> str:
    """Keep the words in the session; return the key of the search."""
    searches: dict[str, str] = request.session.get(SESSION_MEMBER, {})
    known = {value: key for key, value in searches.items()}
    key = known.get(words) or get_random_string(KEY_LENGTH)
    searches.pop(key, None)  # the newest comes last
    newest = [*searches.items(), (key, words)][-MAX_SEARCHES:]
    request.session[SESSION_MEMBER] = dict(newest)
    return key


def find_search(request: HttpRequest) -> str | None:
    """Return the words of the search whose key is in the URL; None if it is unknown."""
    key = request.GET.get(KEY_PARAMETER, "")
    searches: dict[str, str] = request.session.get(SESSION_MEMBER, {})
    return searches.get(key)
