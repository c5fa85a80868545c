"""System checks of the environment: variables, keys, database, and the address for clients."""

import re
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS

from school.db.faults import find_faults

MIN_KEY_BYTES = 32
MIN_DISTINCT_CHARACTERS = 5
"""A key with fewer was typed and not generated; Django assumes the same."""
CONTACT = re.compile(r"mailto:[^\s@]+@[^\s@]+|https://\S+|tel:\+?[0-9-]+")


@register(Tags.security)
def check_renamed_variables(**_: Any) -> list[CheckMessage]:
    """Report each variable that is set under a name which is no longer read."""
    return [
        Error(f"{old} is not read any more: its name is {new}.", id="school.E001")
        for old, new in settings.RENAMED_VARIABLES.items()
    ]


@register(Tags.security)
def check_keys(**_: Any) -> list[CheckMessage]:
    """Report keys that can be guessed."""
    messages: list[CheckMessage] = []
    for name in ("SECRET_KEY", "REDIS_SIGNING_KEY"):
        if len(getattr(settings, name).encode()) < MIN_KEY_BYTES:
            text = f"{name} needs {MIN_KEY_BYTES} bytes or more."
            messages.append(Error(text, id="school.E002"))
    for name in ("SECRET_KEY", "JWT_SIGNING_KEY", "REDIS_SIGNING_KEY"):
        if len(set(getattr(settings, name))) < MIN_DISTINCT_CHARACTERS:
            text = (
                f"{name} needs {MIN_DISTINCT_CHARACTERS} different characters or more."
            )
            hint = "`make secrets` generates keys."
            messages.append(Error(text, hint=hint, id="school.E003"))
    return messages


@register(Tags.security)
def check_transport(**_: Any) -> list[CheckMessage]:
    """Report settings that contradict an HTTPS address for clients."""
    if not settings.IS_HTTPS:
        return []
    messages: list[CheckMessage] = []
    if settings.DEBUG:
        text = "DJANGO_DEBUG must be off where PUBLIC_URL is HTTPS."
        hint = "The debug pages show settings and records to everybody."
        messages.append(Error(text, hint=hint, id="school.E004"))
    if not settings.TRUSTED_PROXIES:
        text = (
            "PUBLIC_URL is HTTPS but TRUSTED_PROXIES is 0: the scheme that the proxy "
            "reports is not read, so each request is redirected to itself."
        )
        hint = "Set TRUSTED_PROXIES to the number of proxies in front of the service."
        messages.append(Warning(text, hint=hint, id="school.W001"))
    if "*" in settings.ALLOWED_HOSTS:
        text = "ALLOWED_HOSTS accepts every host name."
        hint = "Leave it out: the host of PUBLIC_URL is allowed."
        messages.append(Warning(text, hint=hint, id="school.W002"))
    return messages


@register(Tags.security)
def check_security_contact(**_: Any) -> list[CheckMessage]:
    """Report contacts that `security.txt` may not contain."""
    return [
        Error(
            f"SECURITY_CONTACT has {contact!r}, which is no URI of a contact.",
            hint="Write mailto:security@example.org, https://... or tel:+55...",
            id="school.E005",
        )
        for contact in settings.SECURITY_CONTACT
        if not CONTACT.fullmatch(contact)
    ]


@register(Tags.database)
def check_database(
    *, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Report why the database cannot be used; part of `migrate` and `check --database`."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    return [
        Error(fault.reason, hint=fault.remedy, id="school.E006")
        for fault in find_faults(with_tables=False)
    ]
