"""Sets documents in type, in a process of its own: JSON comes in, PDFs go out.

A crest that cannot be drawn is left out, and the standard error says so.

It is run as a script. The typesetter keeps what it once laid out for as long as its process
lives; hence a process for some pages, and no longer. It imports as little as it can: half of
what a new process costs would be imports.
"""

import ctypes
import os
import sys

import typst

HERE = os.path.dirname(__file__)
PR_SET_PDEATHSIG = 1
SIGKILL = 9
WITHOUT_CREST = "the crest was left out"


def main(parent: int, moment: int) -> None:
    """Print the documents of the standard input, a line each, issued at that moment."""
    _die_with(parent)
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[os.path.join(HERE, "fonts")],
    )
    # The root is where nothing is but the template: no document can read a file.
    template = os.path.join(HERE, "template.typ")
    compiler = typst.Compiler(template, root=HERE, font_paths=fonts)
    for line in sys.stdin.buffer:
        pdf = _set(compiler, line.decode(), moment)
        sys.stdout.buffer.write(len(pdf).to_bytes(8, "big") + pdf)
    sys.stdout.buffer.flush()


def _set(compiler: typst.Compiler, data: str, moment: int) -> bytes:
    try:
        pdf = compiler.compile(
            sys_inputs={"data": data}, pdf_standards=["ua-1"], timestamp=moment
        )
    except BaseException as error:  # where the typesetter panics it is no Exception
        import json  # a third of what a new process costs, and hardly ever needed

        document = json.loads(data)
        if not document["crest"]:
            raise
        # If it is the fault of something else, that is told of the second try.
        pdf = _set(compiler, json.dumps({**document, "crest": []}), moment)
        print(f"{WITHOUT_CREST}: {error}", file=sys.stderr)
    if not isinstance(pdf, bytes):
        raise TypeError("the typesetter gave no PDF")
    return pdf


def _die_with(parent: int) -> None:
    """Be killed when the worker is gone, even if it is so by now."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
    if os.getppid() != parent:
        sys.exit("the worker is gone")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
