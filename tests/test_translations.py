import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
CATALOG_PATHS = sorted(ROOT.glob("*/locale/*/LC_MESSAGES/django.po"))


def read_messages(path):
    with path.open("rb") as file:
        return [message for message in read_po(file) if message.id]


MESSAGES = [message for path in CATALOG_PATHS for message in read_messages(path)]


def placeholders_in(text):
    """What must be in a translation as it is: placeholders, code, markup."""
    text = re.sub(r"<\w+( \w+)+>", "", text)  # words, in a place to be filled
    return sorted(re.findall(r"{\w*}|%\(\w+\)\w|`[^`]+`|</?\w+>", text))


@pytest.mark.guarantee("Message catalogues are complete and match the code.")
def test_catalogues_are_what_the_code_marks_and_compiled():
    script = [sys.executable, str(ROOT / "docs" / "catalogues.py"), "--check"]

    assert subprocess.run(script).returncode == 0, "run `make generate`"


def test_every_package_has_its_catalogue_in_its_own_folder():
    assert {path.relative_to(ROOT).parts[0] for path in CATALOG_PATHS} == {
        "api", "school", "tasks",
    }  # fmt: skip


def test_strings_of_templates_are_marked_too():
    assert "All problems" in {message.id for message in MESSAGES}


def plural_forms(text):
    """One, or of what is counted the singular and the plural."""
    return text if isinstance(text, tuple) else (text,)


@pytest.mark.guarantee("Message catalogues are complete and match the code.")
def test_every_marked_string_is_translated():
    untranslated = [
        m.id for m in MESSAGES if not all(plural_forms(m.string)) or m.fuzzy
    ]

    assert not untranslated, "write their Portuguese into the catalogue"


@pytest.mark.guarantee("Message catalogues are complete and match the code.")
@pytest.mark.parametrize(
    "message", MESSAGES, ids=lambda message: plural_forms(message.id)[0]
)
def test_translation_keeps_what_is_put_in(message):
    assert list(map(placeholders_in, plural_forms(message.string))) == list(
        map(placeholders_in, plural_forms(message.id))
    )


def test_one_source_has_one_translation():
    said = {}
    for message in MESSAGES:
        said.setdefault(message.id, set()).add(message.string)

    assert [source for source, ways in said.items() if len(ways) > 1] == []
