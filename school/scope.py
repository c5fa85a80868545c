"""Scope: the role and the attachments through which a viewer saw something."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Scope:
    """Role and attachment ids through which a viewer saw something."""

    role: str
    ids: tuple[int, ...]
    other_schools: tuple[int, ...] = ()
    """Schools beyond the attachments whose records of the students were read, too."""

    @classmethod
    def from_values(cls, role: str, values: Mapping[str, Any]) -> Self:
        """Return the scope from the values of `access.scope_subqueries`."""
        ids, others = (
            tuple(sorted(json.loads(values.get(name) or "[]")))
            for name in ("scope_ids", "other_schools")
        )
        return cls(role, ids, others)

    def to_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {"role": self.role, "ids": list(self.ids)}
        if self.other_schools:
            value["other_schools"] = list(self.other_schools)
        return value

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        other_schools = tuple(value.get("other_schools", ()))
        return cls(value["role"], tuple(value["ids"]), other_schools)
