"""The parts of a request that polls and waits read."""

from collections.abc import Mapping
from typing import Any, Protocol


class RequestParts(Protocol):
    """A request of Django REST framework, or one read from the WSGI environment."""

    @property
    def META(self) -> dict[str, Any]: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def query_params(self) -> Mapping[str, str]: ...

    @property
    def user(self) -> Any: ...
