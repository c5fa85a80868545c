"""Marks that fade: who is alive, what computes, and what a user's stamp is."""

import uuid
from collections.abc import Iterable

from django.conf import settings

from tasks.circuit_breaker import breaker
from tasks.redis_store.client import client

STAMP_SECONDS = 60

_RAISE = """
if tonumber(redis.call('GET', KEYS[1]) or '-1') <= tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""


def mark_alive(who: str, *, seconds: int) -> None:
    """For so long at least: who has been vouched for longer stays so."""
    name = f"alive:{who}"
    with breaker.guard(), client().pipeline() as mark:
        mark.set(name, 1, ex=seconds, nx=True)
        mark.expire(name, seconds, gt=True)
        mark.execute()


def alive(names: Iterable[str]) -> dict[str, bool]:
    """Which of these were alive just now."""
    names = list(names)
    with breaker.guard():
        marks = client().mget([f"alive:{name}" for name in names])
    return {name: mark is not None for name, mark in zip(names, marks, strict=True)}


def vouch(task_ids: Iterable[str], *, seconds: int) -> None:
    """Say that the processes of these tasks compute, whatever their heartbeats do."""
    with breaker.guard(), client().pipeline(transaction=False) as marks:
        for task_id in task_ids:
            marks.set(f"computing:{task_id}", 1, ex=seconds)
        marks.execute()


def vouched(task_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the tasks whose processes were seen to compute just now."""
    task_ids = list(task_ids)
    if not task_ids:
        return set()
    with breaker.guard():
        marks = client().mget([f"computing:{task_id}" for task_id in task_ids])
    return {task_id for task_id, mark in zip(task_ids, marks, strict=True) if mark}


def drop_vouch(task_id: uuid.UUID) -> None:
    with breaker.guard():
        client().delete(f"computing:{task_id}")


def put_stamp(user_id: int, stamp: int, *, is_news: bool) -> None:
    """Keep a user's stamp; one that was only read never replaces one that is news."""
    with breaker.guard(), client().pipeline(transaction=False) as keys:
        keys.set(f"stamp:{user_id}", stamp, ex=STAMP_SECONDS, nx=not is_news)
        life = round(settings.ACCESS_TOKEN_LIFETIME.total_seconds())
        keys.eval(_RAISE, 1, f"known:{user_id}", stamp, life)
        keys.execute()


def known_stamp(user_id: int) -> int | None:
    """The newest stamp of the user that was told here in the life of a token."""
    with breaker.guard():
        known = client().get(f"known:{user_id}")
    return None if known is None else int(known)
