"""Sets documents in type, in a process of its own: JSON comes in, PDFs go out.

It is run as a script and imports neither Django nor our packages, so that it starts at once.
The typesetter keeps what it once laid out for as long as its process lives; hence a process
for some pages, and no longer.
"""

import ctypes
import json
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import cast

import typst

HERE = Path(__file__).parent
PR_SET_PDEATHSIG = 1


def main(parent: int) -> None:
    _die_with(parent)
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[HERE / "fonts"],
    )
    # The root is where nothing is but the template: no document can read a file.
    compiler = typst.Compiler(HERE / "template.typ", root=HERE, font_paths=fonts)
    for line in sys.stdin.buffer:
        document = json.loads(line)
        issued = document["issued_at"]
        pdf = cast(
            bytes,
            compiler.compile(
                sys_inputs={"data": line.decode()},
                pdf_standards=["ua-1"],
                timestamp=datetime.fromisoformat(issued) if issued else 0,
            ),
        )
        sys.stdout.buffer.write(len(pdf).to_bytes(8) + pdf)
    sys.stdout.buffer.flush()


def _die_with(parent: int) -> None:
    """Be killed when the worker is gone, even if it is so by now."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the worker is gone")


if __name__ == "__main__":
    main(int(sys.argv[1]))
