"""Sets the picture of the standard input on a page, and says how many bytes that takes.

It is run as a script, for the typesetter is a library that a bad picture may crash.
"""

import json
import sys

import typst

MAX_MEMORY_BYTES = 512 * 1024 * 1024
PAGE_TEMPLATE = b"""
#set document(title: "crest", date: none)
#set page(width: 60mm, height: 60mm, margin: 0mm)
#pdf.artifact(image(bytes(json(bytes(sys.inputs.crest))), width: 52mm, height: 13mm, fit: "contain"))
"""


def main() -> None:
    _limit_memory()
    crest = json.dumps(list(sys.stdin.buffer.read()))
    pdf = typst.compile(
        PAGE_TEMPLATE, sys_inputs={"crest": crest}, pdf_standards=["ua-1"]
    )
    sys.stdout.write(str(len(pdf)))


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource  # not there on Windows

        resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


if __name__ == "__main__":
    main()
