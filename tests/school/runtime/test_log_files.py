import subprocess
import sys

import pytest

from school.runtime import log_files


@pytest.fixture(autouse=True)
def short_logs(monkeypatch):
    monkeypatch.setattr(log_files, "MAX_BYTES", 10)


def test_short_log_is_not_rotated(tmp_path):
    log = tmp_path / "web.log"
    log.write_text("short")

    log_files.rotate(log)
    log_files.rotate(tmp_path / "absent.log")

    assert [path.name for path in tmp_path.iterdir()] == ["web.log"]


def test_long_logs_are_numbered_and_the_oldest_is_dropped(tmp_path):
    log = tmp_path / "web.log"
    for line in (
        "the first line",
        "the second line",
        "the third line",
        "the fourth line",
    ):
        log.write_text(line)
        log_files.rotate(log)

    contents = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert contents == {
        "web.log": "",
        "web.log.1": "the fourth line",
        "web.log.2": "the third line",
    }


def test_process_keeps_writing_to_its_rotated_log(tmp_path):
    log = tmp_path / "web.log"
    code = "import sys; [print(line.strip(), flush=True) for line in sys.stdin]"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=output,
            text=True,
            bufsize=1,
        )
    process.stdin.write("before the rotation\n")
    while log.read_text() != "before the rotation\n":  # it may come in two writes
        pass
    log_files.rotate(log)
    process.communicate("after it\n")

    assert log.with_name("web.log.1").read_text() == "before the rotation\n"
    assert log.read_text() == "after it\n"
