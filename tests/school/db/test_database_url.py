import pytest

from school.db.database_url import (
    InvalidDatabaseUrl,
    parse_database_url,
    session_parameters,
)

NONE = {"USER": "", "PASSWORD": "", "HOST": "", "PORT": "", "OPTIONS": {}}


@pytest.mark.guarantee("One address of the database counts for every connection.")
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://h/n", {"HOST": "h"}),
        ("postgres://h:5433/n", {"HOST": "h", "PORT": "5433"}),
        ("pgsql://u@h/n", {"HOST": "h", "USER": "u"}),
        ("postgresql://[::1]:5433/n", {"HOST": "::1", "PORT": "5433"}),
        ("postgresql://h1:1,h2:2/n", {"HOST": "h1,h2", "PORT": "1,2"}),
        ("postgresql://%2Frun%2Fpg/n", {"HOST": "/run/pg"}),
        ("postgresql:///n?host=/run/pg", {"HOST": "/run/pg"}),
        ("postgresql:///?service=s", {"NAME": "", "OPTIONS": {"service": "s"}}),
        (
            "postgresql://h/n?sslmode=verify-full&sslrootcert=/ca.pem&application_name=a%20b",
            {
                "HOST": "h",
                "OPTIONS": {
                    "sslmode": "verify-full",
                    "sslrootcert": "/ca.pem",
                    "application_name": "a b",
                },
            },
        ),
        (
            "postgresql://h/n?options=-c%20search_path=x",
            {"HOST": "h", "OPTIONS": {"options": "-c search_path=x"}},
        ),
    ],
)
def test_postgresql_url_is_read_as_libpq_reads_it(url, expected):
    config = {"ENGINE": "django.db.backends.postgresql", "NAME": "n", **NONE}

    assert parse_database_url(url) == config | expected


@pytest.mark.parametrize(
    "password",
    [
        "p@w",
        "p/w",
        "12/w",
        "p#w",
        "p?w",
        "p:w",
        "p%zz",
        "p%",
        "p w",
        "p=w&x",
        "çé",
        "[x]",
    ],
)
@pytest.mark.parametrize("tail", ["h:5433/n", "h:5433/n?sslmode=require"])
def test_password_that_was_pasted_unquoted_is_understood(password, tail):
    config = parse_database_url(f"postgresql://u:{password}@{tail}")

    actual = [config[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")]
    assert actual == ["u", password, "h", "5433", "n"]


def test_quoted_password_stays_as_it_is():
    assert parse_database_url("postgresql://u:a%40%25b@h/n")["PASSWORD"] == "a@%b"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://u:s3cret@h/n", "must be sqlite:///path or postgresql://"),
        ("school.sqlite3", "must be sqlite:///path or postgresql://"),
        ("postgresql://u:s3cret@h", "names no database"),
        ("postgresql://u:s3cret@h/n?pgbouncer=true", "the parameter 'pgbouncer'"),
        ("postgresql://u:s3cret@h/n?sslmode", "the parameter 'sslmode'"),
        ("postgresql://u:s3cret@h:54x/n", "a port that is no number"),
        ("postgresql://u:s3cret@[::1/n", "around an IPv6 address"),
        ("postgresql://s3cret%zz", "is no URL that libpq can read"),
        ("sqlite://", "names no file"),
        ("sqlite://:memory:", "names no file"),
        ("sqlite:///x?timeout=3", "has parameters"),
    ],
)
def test_unusable_url_is_refused_without_showing_the_password(url, reason):
    with pytest.raises(InvalidDatabaseUrl) as caught:
        parse_database_url(url)

    assert reason in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", {}),
        ("-c search_path=a,b", {"search_path": "a,b"}),
        ("-csearch_path=a  --statement-timeout=5s", {"search_path": "a", "statement_timeout": "5s"}),
        (r"-c datestyle=ISO,\ DMY -c x.y=1", {"datestyle": "ISO, DMY", "x.y": "1"}),
    ],
)  # fmt: skip
def test_session_parameters_are_those_that_the_options_set(options, expected):
    assert session_parameters({"options": options}) == expected
