"""Client without texts of its own: all that it shows comes from the service."""

import itertools
from collections.abc import Iterator
from typing import Any

from school.runtime.client import Client

Json = dict[str, Any]


class GenericClient:
    """Builds forms from the catalogue, and tables from the columns of results."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def kinds(self) -> list[Json]:
        """Return the entries of the catalogue."""
        results: list[Json] = self._client.request("GET", "/reports")["results"]
        return results

    def form(self, entry: Json) -> Iterator[tuple[str, str, list[str]]]:
        """Yield each field: its name, its title and the labels of its first options."""
        for name, schema in entry["parameters"]["properties"].items():
            lookup = entry["lookups"].get(name)
            options = self.options(lookup) if lookup else _choices(schema)
            yield name, schema["title"], [label for _value, label in options]

    def options(self, lookup: Json) -> list[tuple[Any, str]]:
        """Return the value and the label of each record on the first page."""
        query = {lookup["page_size"]: lookup["max_page_size"]}
        if lookup["method"] == "POST":
            page = self._client.request("POST", lookup["href"], query)
        else:
            text = "&".join(f"{name}={value}" for name, value in query.items())
            page = self._client.request("GET", f"{lookup['href']}?{text}")
        return [(r[lookup["value"]], str(r[lookup["label"]])) for r in page["results"]]

    def submit(self, entry: Json) -> Json:
        """Request the report with as few choices as its schema allows."""
        schema = entry["parameters"]
        names = set(schema.get("required", ()))
        has_default = any("default" in p for p in schema["properties"].values())
        if "anyOf" in schema and not has_default:
            names |= set(schema["anyOf"][0]["required"])
        parameters = {name: self._first_value(entry, name) for name in names}
        body = {"report": entry["report"], "parameters": parameters, "format": "json"}
        task: Json = self._client.request("POST", "/reports", body)
        return task

    def user(self) -> list[str]:
        """Return the texts about the user."""
        me = self._client.request("GET", "/me")
        return [me["name"], *me["role_labels"]]

    def list(self) -> list[str]:
        """Return the texts of each task."""
        page = self._client.request("GET", "/tasks")
        names = ("title", "about", "state_label", "format_label", "language_label")
        return [
            text
            for task in page["results"]
            for text in (
                *(task[name] for name in names),
                task["expiry_reason_label"] or "",
                task["progress"]["stage_label"],
                task["progress"]["unit_label"],
            )
        ]

    def _first_value(self, entry: Json, name: str) -> Any:
        lookup = entry["lookups"].get(name)
        schema = entry["parameters"]["properties"][name]
        options = self.options(lookup) if lookup else _choices(schema)
        value = options[0][0]
        return [value] if lookup and lookup["multiple"] else value


def table(result: Json) -> tuple[list[str], list[list[str]]]:
    """Return the titles and the cells of a result as people read them."""
    columns = [column for column in result["columns"] if column["for"] == "people"]
    rows = [
        [_show(column, row[column["name"]]) for column in columns]
        for row in result["data"]
    ]
    return [column["title"] for column in columns], rows


def _choices(schema: Json) -> list[tuple[Any, str]]:
    parts = itertools.chain([schema], schema.get("anyOf", ()))
    choices = [choice for part in parts for choice in part.get("oneOf", ())]
    return [(choice["const"], choice["title"]) for choice in choices]


def _show(column: Json, cell: Any) -> str:
    if cell is None:
        return ""
    if column["type"] == "integer" and isinstance(cell, int):
        return f"{cell:,}"
    if not column["labels"]:
        return str(cell)
    codes = [str(cell).lower()] if isinstance(cell, bool) else str(cell).split()
    return ", ".join(column["labels"][code] for code in codes)
