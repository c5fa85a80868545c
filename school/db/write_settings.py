"""SQL expressions of the write context, for triggers on either database."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ActorSql:
    """SQL expressions of the time, the actor and the reason of the present write."""

    now: str
    user_id: str
    username: str
    reason: str
    is_erasure: str
    is_known: str
    """Condition that the write has a user or a reason."""
    origin: str
    """The process or database user that writes."""

    @property
    def note(self) -> str:
        """Expression of the reason; without a reason and a user, of the origin."""
        return f"CASE WHEN {self.is_known} THEN {self.reason} ELSE {self.origin} END"


def _setting(name: str) -> str:
    # Null in a new session, empty after the transaction that had set it.
    return f"COALESCE(current_setting('school.{name}', true), '')"


SETTINGS = {
    "sqlite": ActorSql(
        # Django's own format of a time in SQLite.
        now="strftime('%Y-%m-%d %H:%M:%f', 'now')",
        user_id="school_user_id()",
        username="school_username()",
        reason="school_reason()",
        is_erasure="school_is_erasure()",
        is_known="school_has_context()",
        origin="school_process()",
    ),
    "postgresql": ActorSql(
        now="clock_timestamp()",
        user_id=f"NULLIF({_setting('user_id')}, '')::bigint",
        username=_setting("username"),
        reason=_setting("reason"),
        is_erasure=f"({_setting('is_erasure')} = 'on')",
        is_known=f"({_setting('user_id')} <> '' OR {_setting('reason')} <> '')",
        origin="left(concat_ws(', ', NULLIF(current_setting('application_name'), ''),"
        " session_user), 250)",
    ),
}
"""Expressions by database vendor."""
