import pytest

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


def test_renamed_variables_have_names_that_the_settings_read():
    names = set(RENAMED_VARIABLES.values())

    assert len(names) == len(RENAMED_VARIABLES) == 7
    assert not names & set(RENAMED_VARIABLES)
