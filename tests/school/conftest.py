"""Fixtures of the tests of the school's records."""

import pytest
from django.test import Client

from school.models import User


@pytest.fixture
def admin_client(client: Client, admin: User) -> Client:
    """Client that is logged in to the admin pages as the demo's administrator."""
    client.force_login(admin)
    return client
