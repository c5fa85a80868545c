"""Bounded password hashing, with and without gevent."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password

from school import hash_slots
from school.hash_slots import HasherBusy, HashSlots
from school.models import User
from school.runtime import password_hasher

HASHER = "school.runtime.password_hasher.CooperativePBKDF2PasswordHasher"


@pytest.mark.parametrize("is_patched", [False, True])
def test_password_hasher_gives_the_hashes_of_django(monkeypatch, is_patched):
    monkeypatch.setattr(password_hasher, "is_module_patched", lambda name: is_patched)
    hasher = password_hasher.CooperativePBKDF2PasswordHasher()
    plain = hasher.encode("demo", "salt", 10)

    assert plain == PBKDF2PasswordHasher().encode("demo", "salt", 10)
    assert hasher.verify("demo", plain)
    assert not hasher.verify("other", plain)


@pytest.fixture
def two_slots(monkeypatch):
    """Two slots, two waiting places and a short wait."""
    monkeypatch.setattr(hash_slots, "MAX_THREADS", 2)
    monkeypatch.setattr(hash_slots, "MAX_WAITING", 2)
    monkeypatch.setattr(hash_slots, "WAIT_SECONDS", 0.2)
    return HashSlots()


def test_hash_slots_bound_the_concurrent_work(two_slots, monkeypatch):
    monkeypatch.setattr(hash_slots, "MAX_WAITING", 100)
    monkeypatch.setattr(hash_slots, "WAIT_SECONDS", 10)
    active, peaks, lock = [], [], threading.Lock()

    def work(number):
        with two_slots.take():
            active.append(number)
            with lock:
                peaks.append(len(active))
            time.sleep(0.01)
            active.remove(number)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(40)))

    assert max(peaks) == 2
    assert len(peaks) == 40


def test_hash_beyond_the_queue_is_refused_at_once(two_slots, monkeypatch):
    monkeypatch.setattr(hash_slots, "WAIT_SECONDS", 10)
    release = threading.Event()

    def work(_):
        with two_slots.take():
            release.wait(10)

    with ThreadPoolExecutor(4) as pool:
        works = [pool.submit(work, n) for n in range(4)]
        while two_slots._present < 4:
            time.sleep(0.01)
        started_at = time.monotonic()
        with pytest.raises(HasherBusy), two_slots.take():
            pytest.fail("a fifth hash was admitted")
        assert time.monotonic() - started_at < 1
        release.set()
        for done in works:
            done.result()

    with two_slots.take():
        assert two_slots._present == 1


def test_hash_that_waits_too_long_is_refused(two_slots):
    with two_slots.take(), two_slots.take():
        started_at = time.monotonic()
        with pytest.raises(HasherBusy), two_slots.take():
            pytest.fail("a third hash ran")
        assert time.monotonic() - started_at >= 0.2


@pytest.mark.django_db
def test_right_password_counts_although_its_hash_cannot_be_renewed(
    settings, monkeypatch
):
    settings.PASSWORD_HASHERS = [
        HASHER,
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    user = User.objects.create(
        username="maria", password=make_password("demo", hasher="md5")
    )

    def refuse(*_arguments):
        raise HasherBusy

    with monkeypatch.context() as patch:
        patch.setattr("school.models.people.make_password", refuse)
        assert user.check_password("demo")
    user.refresh_from_db()
    assert user.password.startswith("md5$")

    assert user.check_password("demo")
    user.refresh_from_db()
    assert user.password.startswith("pbkdf2_sha256$")
