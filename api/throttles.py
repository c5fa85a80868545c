"""How often a log-in may be tried, from one address and for one user name."""

import hashlib
import ipaddress
import unicodedata
from contextlib import suppress

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from tasks.breaker import RedisAway
from tasks.store import Rate


class LoginThrottle(BaseThrottle):
    """Counts each attempt before its password is looked at, so that none slips through.

    The address first: what it may not try is not held against the user name. Without
    Redis nothing is counted, and everybody may try.
    """

    _wait = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        with suppress(RedisAway):
            self._wait = _of_addresses().take(_network(self.get_ident(request)))
            self._wait = self._wait or _of_users().take(_user(request))
        return not self._wait

    def wait(self) -> float:
        return self._wait


def forget_user(request: Request) -> None:
    """After a log-in that succeeded: who knows the password is not locked out."""
    with suppress(RedisAway):
        _of_users().forget(_user(request))


def _of_addresses() -> Rate:
    return Rate("logins-of-address", settings.LOGINS_PER_ADDRESS, 60)


def _of_users() -> Rate:
    return Rate("logins-of-user", settings.LOGINS_PER_USER, 300)


def _network(address: str | None) -> str:
    """The address; of IPv6 the /64, all of which one household or phone may use."""
    try:
        known = ipaddress.ip_address(address or "")
    except ValueError:
        return _hashed(address or "")  # what a proxy wrote: a name, or a port with it
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is None:
            return f"{int(known) >> 64:x}"
        known = known.ipv4_mapped
    return str(known)


def _user(request: Request) -> str:
    """The user name as it was meant, hashed: what people type there is not for Redis."""
    given = request.data.get("username") if isinstance(request.data, dict) else None
    return _hashed(unicodedata.normalize("NFKC", str(given)).casefold().strip())


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
