from pathlib import Path

import pytest

from school import settings as settings_module
from school.checks import check_renamed_variables
from school.runtime.environment import RENAMED_VARIABLES, Environment


@pytest.mark.parametrize("suffix", ["", "_FILE"])
def test_variable_with_old_name_is_reported_with_its_new_name(
    settings, monkeypatch, tmp_path, suffix
):
    value = tmp_path / "value"
    value.write_text("5\n")
    monkeypatch.setenv(f"REPUBLISH_SECONDS{suffix}", str(value) if suffix else "5")
    settings.RENAMED_VARIABLES = Environment(state_dir=tmp_path).find_renamed()

    assert [(error.id, error.msg) for error in check_renamed_variables()] == [
        (
            "school.E001",
            "REPUBLISH_SECONDS is not read any more: its name is REPUBLISH_AFTER_SECONDS.",
        )
    ]


def test_environment_without_old_names_has_no_errors(settings):
    assert settings.RENAMED_VARIABLES == {}
    assert check_renamed_variables() == []


def test_renamed_variables_are_read_under_their_new_names_only():
    source = Path(settings_module.__file__).read_text()

    assert [
        name for name in RENAMED_VARIABLES.values() if f'"{name}"' not in source
    ] == []
    assert [name for name in RENAMED_VARIABLES if f'"{name}"' in source] == []
