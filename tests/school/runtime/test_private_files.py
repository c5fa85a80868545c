import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from school.runtime import private_files
from school.runtime.make_secrets import make_secrets
from school.runtime.supervisor import start_child


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def loose_folder(tmp_path):
    """State folder that everybody may read, as earlier releases left it."""
    folder = tmp_path / "var"
    (folder / "artifacts" / "ab").mkdir(parents=True)
    for name in ("school.sqlite3", "school.sqlite3-wal", "artifacts/ab/file.csv"):
        (folder / name).write_text("Maria")
        (folder / name).chmod(0o664)
    for path in (folder, folder / "artifacts", folder / "artifacts" / "ab"):
        path.chmod(0o775)
    return folder


@pytest.mark.guarantee("Files of `make up` are its user's alone.")
def test_tighten_takes_rights_of_others_and_keeps_own(loose_folder):
    private_files.tighten(loose_folder)

    assert mode_of(loose_folder) == mode_of(loose_folder / "artifacts" / "ab") == 0o700
    assert mode_of(loose_folder / "school.sqlite3-wal") == 0o600
    assert mode_of(loose_folder / "artifacts" / "ab" / "file.csv") == 0o600
    assert (loose_folder / "school.sqlite3").read_text() == "Maria"


def test_tighten_leaves_targets_of_links_alone(loose_folder, tmp_path):
    target = tmp_path / "elsewhere"
    target.write_text("public")
    target.chmod(0o644)
    (loose_folder / "link").symlink_to(target)
    (loose_folder / "broken").symlink_to(tmp_path / "nowhere")

    private_files.tighten(loose_folder)

    assert mode_of(target) == 0o644


def test_tighten_of_folder_for_all_users_is_refused(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)

    with pytest.raises(private_files.SharedFolder):
        private_files.tighten(shared)

    assert mode_of(shared) == 0o1777


def test_tighten_database_includes_files_beside_it(loose_folder):
    private_files.tighten_database(loose_folder / "school.sqlite3")

    assert mode_of(loose_folder / "school.sqlite3") == 0o600
    assert mode_of(loose_folder / "school.sqlite3-wal") == 0o600
    assert mode_of(loose_folder) == 0o775


@pytest.mark.guarantee("Files of `make up` are its user's alone.")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read as another user")
def test_tightened_file_is_unreadable_to_another_user(loose_folder):
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # unlike `tmp_path`, open to all
    nobody = pwd.getpwnam("nobody")
    try:
        folder.chmod(0o755)
        shutil.copytree(loose_folder, folder / "var")

        def read() -> subprocess.CompletedProcess[bytes]:
            command = ["cat", folder / "var" / "artifacts" / "ab" / "file.csv"]
            return subprocess.run(
                command,
                user=nobody.pw_uid,
                group=nobody.pw_gid,
                extra_groups=[],
                capture_output=True,
            )

        assert read().stdout == b"Maria"
        private_files.tighten(folder / "var")
        assert (read().returncode, read().stdout) == (1, b"")
    finally:
        shutil.rmtree(folder)


@pytest.mark.guarantee("Files of `make up` are its user's alone.")
def test_files_of_child_process_are_private(tmp_path):
    code = "import sys; open(sys.argv[1], 'w').close()"
    created = tmp_path / "created"

    child = start_child(
        [sys.executable, "-c", code, str(created)], log=tmp_path / "child.log"
    )

    assert child.wait() == 0
    assert mode_of(created) == 0o600


def test_secrets_folder_of_earlier_release_is_tightened(tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    folder.chmod(0o755)

    make_secrets(folder)

    assert mode_of(folder) == 0o700
