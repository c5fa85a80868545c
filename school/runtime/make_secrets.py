"""Script that creates the secret files of `compose.yaml`; existing files are kept."""

import secrets
import sys
from pathlib import Path


def make_secrets(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)  # also one that was there already
    values = {
        name: _read_or_create(folder / name, secrets.token_urlsafe(48))
        for name in (
            "redis_password",
            "postgres_password",
            "secret_key",
            "jwt_signing_key",
            "redis_signing_key",
        )
    }
    postgres, redis = values["postgres_password"], values["redis_password"]
    _read_or_create(
        folder / "database_url", f"postgresql://school:{postgres}@postgres/school"
    )
    _read_or_create(folder / "redis_url", f"redis://:{redis}@redis:6379/0")


def _read_or_create(path: Path, value: str) -> str:
    if not path.exists():
        path.write_text(f"{value}\n")
        # Containers read the file as another user; the folder mode keeps other users out.
        path.chmod(0o644)
    return path.read_text().strip()


if __name__ == "__main__":
    make_secrets(Path(sys.argv[1]))
