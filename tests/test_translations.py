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
    """Return the parts that a translation must keep: placeholders, code, markup."""
    text = re.sub(
        r"<\w+( \w+)+>", "", text
    )  # text such as `<access token>` is translated
    return sorted(re.findall(r"{\w*}|%\(\w+\)\w|`[^`]+`|</?\w+>", text))


@pytest.mark.guarantee("Message catalogues are complete and match the code.")
def test_catalogues_match_the_code_and_are_compiled():
    script = [sys.executable, str(ROOT / "docs" / "catalogues.py"), "--check"]

    assert subprocess.run(script).returncode == 0, "run `make generate`"


def test_packages_have_their_own_catalogue():
    assert {path.relative_to(ROOT).parts[0] for path in CATALOG_PATHS} == {
        "api", "school", "tasks",
    }  # fmt: skip


def test_template_strings_are_marked():
    assert "All problems" in {message.id for message in MESSAGES}


def plural_forms(text):
    """Return the text, or its singular and plural, as a tuple."""
    return text if isinstance(text, tuple) else (text,)


@pytest.mark.guarantee("Message catalogues are complete and match the code.")
def test_marked_strings_are_all_translated():
    untranslated = [
        m.id for m in MESSAGES if not all(plural_forms(m.string)) or m.fuzzy
    ]

    assert not untranslated, "write their Portuguese into the catalogue"


@pytest.mark.guarantee("Message catalogues are complete and match the code.")
@pytest.mark.parametrize(
    "message", MESSAGES, ids=lambda message: plural_forms(message.id)[0]
)
def test_translation_keeps_placeholders_and_markup(message):
    assert list(map(placeholders_in, plural_forms(message.string))) == list(
        map(placeholders_in, plural_forms(message.id))
    )


def test_equal_messages_have_one_translation():
    translations = {}
    for message in MESSAGES:
        translations.setdefault(message.id, set()).add(message.string)

    assert [id for id, texts in translations.items() if len(texts) > 1] == []
