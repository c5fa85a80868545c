import os
import re
import ssl
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from school.runtime.environment import Environment

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture
def env(tmp_path, monkeypatch):
    monkeypatch.delenv("VAR_DIR")
    return Environment(state_dir=tmp_path / "var")


def test_secret_from_file_is_stripped(env, tmp_path, monkeypatch):
    secret = tmp_path / "secret"
    secret.write_text("s3cr3t\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(secret))

    assert env.secret("SECRET_KEY") == "s3cr3t"


def test_invalid_integer_is_refused_with_its_name(env, monkeypatch):
    monkeypatch.setenv("PORT", "80a")

    with pytest.raises(ImproperlyConfigured, match="PORT must be a whole number"):
        env.integer("PORT", 8000)


@pytest.mark.parametrize(
    "value", ["Acre", "America", "america/manaus", "-05:00", "../x"]
)
def test_unknown_time_zone_is_refused_with_its_name(env, monkeypatch, value):
    monkeypatch.setenv("TIME_ZONE", value)

    with pytest.raises(ImproperlyConfigured, match=f"TIME_ZONE .* not '{value}'"):
        env.time_zone("TIME_ZONE", "America/Manaus")


def test_integers_replace_some_defaults(env, monkeypatch):
    monkeypatch.setenv("LIMITS", "a=1, c=3")
    assert env.integers("LIMITS", {"a": 9, "b": 2, "c": 9}) == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize("value", ["d=1", "a", "a=", "a=-1", "a=x"])
def test_invalid_integers_are_refused_with_their_name(env, monkeypatch, value):
    monkeypatch.setenv("LIMITS", value)
    with pytest.raises(ImproperlyConfigured, match="LIMITS"):
        env.integers("LIMITS", {"a": 9})


def test_missing_secret_is_created_once_and_private(env):
    first = env.secret("SECRET_KEY")

    secret_path = env.state_dir / "secret_key"
    assert env.secret("SECRET_KEY") == first
    assert len(first) >= 32
    assert stat.S_IMODE(secret_path.stat().st_mode) == 0o600
    assert os.listdir(env.state_dir) == ["secret_key"]


def test_secrets_of_two_names_differ(env):
    assert env.secret("SECRET_KEY") != env.secret("JWT_SIGNING_KEY")


def test_missing_secret_without_generation_is_random_and_not_stored(env, monkeypatch):
    monkeypatch.setenv("GENERATE_SECRETS", "false")

    assert env.secret("SECRET_KEY") != env.secret("SECRET_KEY")
    assert env.absent_secrets == ["SECRET_KEY", "SECRET_KEY"]
    assert not env.state_dir.exists()


@pytest.mark.parametrize(
    "value", ["reports.example.org", "ftp://example.org", "https://"]
)
def test_address_that_is_no_http_url_is_refused_with_its_name(env, monkeypatch, value):
    monkeypatch.setenv("PUBLIC_URL", value)

    with pytest.raises(ImproperlyConfigured, match="PUBLIC_URL must be a URL"):
        env.url("PUBLIC_URL")


@pytest.mark.guarantee("One address of the database counts for every connection.")
def test_database_url_sets_the_options_of_both_connections(env, monkeypatch):
    url = "postgresql://u:p@h/n?options=-c%20search_path=x&connect_timeout=9"
    monkeypatch.setenv("DATABASE_URL", url)

    main = env.database("DATABASE_URL")
    snapshot = env.database("DATABASE_URL", is_snapshot=True)

    assert main["OPTIONS"] == snapshot["OPTIONS"]
    assert main["OPTIONS"]["options"] == "-c search_path=x"
    assert main["OPTIONS"]["connect_timeout"] == "9"
    assert main["OPTIONS"]["pool"]["max_size"] == 8


def test_unusable_database_url_is_refused_with_its_name(env, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "mysql://u:p@h/n")

    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL must be sqlite"):
        env.database("DATABASE_URL")


def test_system_certificates_are_named_for_the_driver(env, monkeypatch):
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    expected = ssl.get_default_verify_paths()
    url = "postgresql://u:p@h/n?sslmode=verify-full&sslrootcert="

    monkeypatch.setenv("DATABASE_URL", url + "/ca.pem")
    env.database("DATABASE_URL")
    assert [os.environ.get(name) for name in names] == [None, None]

    monkeypatch.setenv("DATABASE_URL", url + "system")
    env.database("DATABASE_URL")
    actual = [os.environ.get(name) for name in names]
    assert actual == [expected.cafile, expected.capath] != [None, None]


def test_environment_variables_are_documented():
    settings = (ROOT / "school/settings.py").read_text()
    variables = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings)) | {
        "VAR_DIR", "DATABASE_POOL",
    }  # fmt: skip

    for document in (".env.example", "docs/configuration.md"):
        text = (ROOT / document).read_text()
        missing = {name for name in variables if not re.search(rf"\b{name}\b", text)}
        assert not missing, f"{document} lacks {missing}"
