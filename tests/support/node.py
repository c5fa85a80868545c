"""Node of this machine, or the one that playwright brings."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import playwright

MIN_NODE_VERSION = 20


@cache
def find_node() -> str:
    """Return the path of a Node that is new enough; playwright's always is."""
    node = shutil.which("node")
    if node and _major_version(node) >= MIN_NODE_VERSION:
        return node
    return str(Path(playwright.__file__).parent / "driver" / "node")


def node_environment() -> dict[str, str]:
    """Return the environment in which `node` is that one."""
    path = f"{Path(find_node()).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path}


def _major_version(node: str) -> int:
    version = subprocess.check_output([node, "--version"], text=True)
    return int(version.lstrip("v").partition(".")[0])
