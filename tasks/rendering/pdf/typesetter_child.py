"""Sets documents in type, in a process of its own: JSON comes in, PDFs go out.

A crest that cannot be drawn is left out, and the standard error says so.

It is run as a script, once for a report, and forks for each job. The typesetter keeps what it
once laid out for as long as its process lives; hence a process for some pages, and no longer.
What each needs is imported and read once, and lies in their memory once. The forking process
itself sets nothing: it would have a thread by then, which no fork has. It imports as little as
it can, for that is what a short report waits for.
"""

import _socket  # `socket` itself would be a quarter of what it takes to begin
import ctypes
import gc
import os
import sys

import typst

HERE = os.path.dirname(__file__)
PR_SET_PDEATHSIG = 1
SIGKILL = 9
CREST_SKIPPED_MESSAGE = "the crest was left out"
FD_MESSAGE_BYTES = _socket.CMSG_SPACE(2 * 4)
"""Bytes that bring two files."""


def main(parent: int, timestamp: int) -> None:
    """Do what the socket at the standard input asks, in its order, until its other end closes.

    A byte that brings two files is a job: the documents in the first, a line each, are printed
    into the second, issued at that moment. A byte alone asks for the oldest job's exit code
    (two bytes), once it has ended.
    """
    _die_with_parent(parent)
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[os.path.join(HERE, "fonts")],
    )
    # The root is where nothing is but the template: no document can read a file.
    template = os.path.join(HERE, "template.typ")
    compiler = typst.Compiler(template, root=HERE, font_paths=fonts)
    gc.freeze()  # else collecting would copy what is shared
    running: list[int] = []
    connection = _socket.socket(fileno=0)
    while True:
        message, ancillary, *_flags = connection.recvmsg(1, FD_MESSAGE_BYTES)
        if not message:
            return
        if ancillary:
            files = memoryview(ancillary[0][2]).cast("i").tolist()
            running.append(_fork_job(compiler, files, timestamp))
        else:
            _pid, status = os.waitpid(running.pop(0), 0)
            code = os.waitstatus_to_exitcode(status)
            connection.send(code.to_bytes(2, "big", signed=True))


def _fork_job(compiler: typst.Compiler, files: list[int], timestamp: int) -> int:
    """The number of the process that does the job."""
    parent = os.getpid()
    pid = os.fork()
    if not pid:
        try:
            _die_with_parent(parent)
            _render_documents(compiler, files, timestamp)
        except BaseException as error:  # where the typesetter panics it is no Exception
            _exit_with_error(error)
        os._exit(0)
    for file in files:
        os.close(file)
    return pid


def _exit_with_error(error: BaseException) -> None:
    """End the process; the exit code says whether the host is at fault."""
    sys.excepthook(type(error), error, error.__traceback__)
    os._exit(os.EX_TEMPFAIL if isinstance(error, OSError) else 1)


def _render_documents(
    compiler: typst.Compiler, files: list[int], timestamp: int
) -> None:
    documents, output = files
    with open(documents, "rb") as lines, open(output, "wb") as file:
        for line in lines:
            pdf = _compile(compiler, line.decode(), timestamp)
            file.write(len(pdf).to_bytes(8, "big") + pdf)


def _compile(compiler: typst.Compiler, data: str, timestamp: int) -> bytes:
    try:
        pdf = compiler.compile(
            sys_inputs={"data": data}, pdf_standards=["ua-1"], timestamp=timestamp
        )
    except BaseException as error:
        import json  # hardly ever needed

        document = json.loads(data)
        if not document["crest"]:
            raise
        # If it is the fault of something else, that is told of the second try.
        pdf = _compile(compiler, json.dumps({**document, "crest": []}), timestamp)
        print(f"{CREST_SKIPPED_MESSAGE}: {error}", file=sys.stderr)
    if not isinstance(pdf, bytes):
        raise TypeError("the typesetter gave no PDF")
    return pdf


def _die_with_parent(parent: int) -> None:
    """Be killed when that process is gone, even if it is so by now."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent is gone")


if __name__ == "__main__":
    try:
        main(*map(int, sys.argv[1:]))
    except BaseException as error:
        _exit_with_error(error)
