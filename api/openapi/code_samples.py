"""Samples of each operation in curl, JavaScript and Python, which run once their variables are set."""

import json
import re
from typing import Any

from api.openapi import examples

KIND = "class_performance"
_PATH_VALUES = {**examples.PARAMETER_EXAMPLES, "task_id": "$TASK_ID", "kind": KIND}
_VARIABLE = re.compile(r"\$([A-Z_]+)")
INDENT = "  "

Body = dict[str, Any] | None
Headers = dict[str, str]


def code_samples(
    path: str, method: str, operation: dict[str, Any], body: Body
) -> list[dict[str, str]]:
    """Return the samples; `$NAME` in the path and the body is a variable."""
    path = re.sub(r"{(\w+)}", lambda match: str(_PATH_VALUES[match[1]]), path)
    headers = {}
    if "302" in operation["responses"]:  # a page for those who do not ask for JSON
        headers["Accept"] = "application/json"
    if "security" in operation:
        headers["Authorization"] = "Bearer $TOKEN"
    return [
        {"lang": lang, "label": label, "source": write(path, method, headers, body)}
        for lang, label, write in (
            ("Shell", "curl", _curl),
            ("JavaScript", "JavaScript", _javascript),
            ("Python", "Python", _python),
        )
    ]


def _curl(path: str, method: str, headers: Headers, body: Body) -> str:
    arguments = [f'curl -sS -X {method.upper()} "$BASE{path}"']
    arguments += [f'-H "{name}: {value}"' for name, value in headers.items()]
    if body:
        text = json.dumps(body).replace('"', '\\"')
        arguments.append(f'-H "Content-Type: application/json" -d "{text}"')
    return " \\\n  ".join(arguments)


def _javascript(path: str, method: str, headers: Headers, body: Body) -> str:
    options = [f'method: "{method.upper()}"']
    if body:
        headers = {**headers, "Content-Type": "application/json"}
    if headers:
        members = (f'"{name}": {_template(value)}' for name, value in headers.items())
        options.append(f"headers: {{ {', '.join(members)} }}")
    if body:
        options.append(f"body: JSON.stringify({_with_variables(body)})")
    address = _template(f"$BASE{path}")
    lines = "".join(f"{INDENT}{option},\n" for option in options)
    return (
        f"const response = await fetch({address}, {{\n{lines}}});\n"
        "console.log(response.status, await response.text());"
    )


def _python(path: str, method: str, headers: Headers, body: Body) -> str:
    arguments = [_f_string(f"$BASE{path}")]
    if headers:
        members = (f'"{name}": {_f_string(value)}' for name, value in headers.items())
        arguments.append(f"headers={{{', '.join(members)}}}")
    if body:
        arguments.append(f"json={_with_variables(body)}")
    lines = "".join(f"{INDENT * 2}{argument},\n" for argument in arguments)
    return (
        f"import requests\n\nresponse = requests.{method}(\n{lines})\n"
        "print(response.status_code, response.text)"
    )


def _template(text: str) -> str:
    """Return the text as a literal of JavaScript."""
    template = _VARIABLE.sub(r"${\1}", text)
    return f'"{text}"' if template == text else f"`{template}`"


def _f_string(text: str) -> str:
    """Return the text as a literal of Python."""
    template = _VARIABLE.sub(r"{\1}", text)
    return f'"{text}"' if template == text else f'f"{template}"'


def _with_variables(body: dict[str, Any]) -> str:
    """Return the body as both languages write it: no member is true, false or null."""
    return _VARIABLE.sub(r"\1", re.sub(r'"(\$[A-Z_]+)"', r"\1", json.dumps(body)))
