"""Number of open connections of each client address in this process."""

import ipaddress
from collections import Counter

from django.conf import settings


class ConnectionCounter:
    """Counter that admits at most `MAX_CONNECTIONS_PER_IP` connections of one address.

    The devices of a school may share one address. Behind trusted proxies it admits all,
    because every connection is one of theirs.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def admit(self, address: str) -> bool:
        """Count the connection and return True, or return False if there are too many."""
        network = _network(address)
        if _is_limited() and self._counts[network] >= settings.MAX_CONNECTIONS_PER_IP:
            return False
        self._counts[network] += 1
        return True

    def release(self, address: str) -> None:
        """Forget a connection that was admitted."""
        network = _network(address)
        self._counts[network] -= 1
        if not self._counts[network]:
            del self._counts[network]


def _is_limited() -> bool:
    return settings.REST_FRAMEWORK["NUM_PROXIES"] == 0


def _network(address: str) -> str:
    """Return the IPv4 address, or the /64 of an IPv6 address, which one household may use."""
    if ":" not in address:
        return address
    ip = ipaddress.IPv6Address(address)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return f"{int(ip) >> 64:x}"
