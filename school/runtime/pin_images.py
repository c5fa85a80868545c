"""Script that writes the digests of the images of `compose.yaml` into `.env`.

A tag such as `redis:8` names another image after each release; a digest names the same bytes
for ever. Digests are not kept in the repository: with them, a deployment would miss the
images' security fixes until the next release of this service.
"""

import re
import subprocess
import sys
from pathlib import Path

IMAGE = re.compile(r"\$\{([A-Z]+_IMAGE):-([^}]+)\}")


def pin_images(compose: Path, env_file: Path, engine: str) -> None:
    """Pull each image by its tag, and set its variable to the digest that came."""
    lines = env_file.read_text().splitlines() if env_file.exists() else []
    for name, image in IMAGE.findall(compose.read_text()):
        digest = _pull(engine, image)
        lines = [line for line in lines if not line.startswith(f"{name}=")]
        lines.append(f"{name}={image.rpartition(':')[0]}@{digest}")
        print(lines[-1])
    env_file.write_text("".join(f"{line}\n" for line in lines))


def _pull(engine: str, image: str) -> str:
    _run(engine, "pull", "--quiet", image)
    template = "{{index .RepoDigests 0}}"
    name = _run(engine, "image", "inspect", "--format", template, image)
    return name.strip().rpartition("@")[2]


def _run(*command: str) -> str:
    process = subprocess.run(  # noqa: S603  (the container engine that the caller names)
        command, stdout=subprocess.PIPE, text=True, check=True
    )
    return process.stdout


if __name__ == "__main__":
    pin_images(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
