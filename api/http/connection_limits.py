"""Number of open connections of each client address in this process."""

from collections import Counter

from django.conf import settings

from api.http.addresses import address_group


class ConnectionCounter:
    """Counter that admits at most `MAX_CONNECTIONS_PER_IP` connections of one address.

    The devices of a school may share one address. Behind trusted proxies it admits all,
    because every connection is one of theirs.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def admit(self, address: str) -> bool:
        """Count the connection and return True, or return False if there are too many."""
        group = address_group(address)
        if _is_limited() and self._counts[group] >= settings.MAX_CONNECTIONS_PER_IP:
            return False
        self._counts[group] += 1
        return True

    def release(self, address: str) -> None:
        """Forget a connection that was admitted."""
        group = address_group(address)
        self._counts[group] -= 1
        if not self._counts[group]:
            del self._counts[group]


def _is_limited() -> bool:
    return settings.REST_FRAMEWORK["NUM_PROXIES"] == 0
