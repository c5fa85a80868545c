import stat

import pytest

from school.runtime.embedded_redis import EmbeddedRedis
from school.runtime.redis_binaries import (
    Binary,
    RedisStartError,
    Version,
    find_binary,
)

VALKEY_9, VALKEY_8 = Version("valkey", (9, 1, 2)), Version("valkey", (8, 1, 4))
REDIS_8, REDIS_7 = Version("redis", (8, 0, 1)), Version("redis", (7, 0, 15))
REDIS_72 = Version("redis", (7, 2, 5))


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Function that installs servers of these versions, the first one as the system's."""

    def install_all(*versions: Version) -> None:
        binaries = [Binary(f"/bin/{v.product}-{v.number}", v) for v in versions]
        monkeypatch.setattr(
            "school.runtime.redis_binaries._installed", lambda: iter(binaries)
        )

    return install_all


def write_file(folder, magic: bytes) -> None:
    (folder / "appendonlydir").mkdir()
    (folder / "appendonlydir/appendonly.aof.1.base.rdb").write_bytes(magic + b"...")


def test_first_server_opens_a_new_folder(install, tmp_path):
    install(REDIS_7, VALKEY_9)

    assert find_binary(tmp_path).version == REDIS_7


@pytest.mark.guarantee(
    "Data of a newer Redis or Valkey are not opened by an older server."
)
@pytest.mark.parametrize("writer", [VALKEY_9, VALKEY_8, REDIS_8, REDIS_72, REDIS_7])
@pytest.mark.parametrize("others", [[VALKEY_9, REDIS_7], [REDIS_7, REDIS_8, VALKEY_8]])
def test_server_that_wrote_the_data_opens_them_again(writer, others, install, tmp_path):
    number = ".".join(map(str, writer.number))
    (tmp_path / "server").write_text(f"{writer.product} {number}\n")
    install(*others, writer)

    assert find_binary(tmp_path).version == writer


@pytest.mark.parametrize(
    ("magic", "installed", "opener"),
    [
        (b"VALKEY080", [REDIS_7, VALKEY_8, VALKEY_9], VALKEY_9),
        (b"REDIS0011", [REDIS_7, REDIS_72], REDIS_72),
        (b"REDIS0011", [REDIS_7, VALKEY_8], VALKEY_8),
        (b"REDIS0012", [VALKEY_9, REDIS_8], REDIS_8),
        (b"REDIS0013", [REDIS_7, VALKEY_9, REDIS_8], REDIS_8),
        (b"REDIS0010", [REDIS_7, VALKEY_9], REDIS_7),
        (b"REDIS0006", [REDIS_7, VALKEY_9], REDIS_7),
    ],
)
def test_data_of_an_earlier_release_are_known_by_their_format(
    magic, installed, opener, install, tmp_path
):
    write_file(tmp_path, magic)
    install(*installed)

    assert find_binary(tmp_path).version == opener


def test_data_that_no_server_reads_are_refused_with_a_sentence(install, tmp_path):
    write_file(tmp_path, b"VALKEY080")
    install(REDIS_7, VALKEY_8)

    with pytest.raises(RedisStartError) as refusal:
        find_binary(tmp_path)

    assert str(refusal.value) == (
        f"The data in {tmp_path} were written by Valkey 9.0, and none of the servers here "
        "can read them: Redis 7.0.15 (/bin/redis-(7, 0, 15)), Valkey 8.1.4 (/bin/valkey-(8, "
        "1, 4)). Install Valkey 9.0 or newer; or move the folder away: what is in it is made "
        "anew from the database."
    )


def test_missing_server_is_reported(install, tmp_path):
    install()

    with pytest.raises(RedisStartError, match="No Redis server was found"):
        find_binary(tmp_path)


def test_older_redis_of_the_system_does_not_open_what_valkey_wrote(
    tmp_path, monkeypatch
):
    """The real server writes the data; then the system has an older one, which is not started."""
    server = EmbeddedRedis(tmp_path / "var")
    server.start()
    server.stop()
    older, started = tmp_path / "bin/redis-server", tmp_path / "started"
    older.parent.mkdir()
    older.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "Redis server v=7.0.15 sha=0" || touch {started}\n'
    )
    older.chmod(older.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{older.parent}:/usr/bin:/bin")
    for record_exists in (True, False):
        if not record_exists:  # as an earlier release left it
            (tmp_path / "var/valkey/server").unlink()

        server = EmbeddedRedis(tmp_path / "var")
        server.start()
        server.stop()

        assert not started.exists()
