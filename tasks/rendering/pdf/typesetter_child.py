"""Typesetter process: JSON documents in, PDFs out.

A crest that cannot be drawn is left out, with a message on standard error.

The module is run as a script, once per report, and forks for each job. typst caches layouts
for the life of its process, so each process handles only a few pages. Imports and fonts are
loaded once, before forking, and shared by all jobs. The parent itself never typesets: that
would start a thread, and threads do not survive a fork. It imports as little as possible,
because short reports wait for its start.
"""

import _socket  # importing `socket` would take a quarter of the start-up time
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
"""Size of the ancillary data with two file descriptors."""


def main(parent: int, timestamp: int) -> None:
    """Serve the requests from the socket on standard input, in order, until it closes.

    A byte with two file descriptors is a job: the documents in the first file, one JSON line
    each, are rendered into the second, with `timestamp` (Unix seconds) as creation time. A byte
    alone waits for the oldest job and is answered with its exit code (two bytes, signed).
    """
    _die_with_parent(parent)
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[os.path.join(HERE, "fonts")],
    )
    # The root folder contains only this package, so documents cannot read other files.
    template = os.path.join(HERE, "template.typ")
    compiler = typst.Compiler(template, root=HERE, font_paths=fonts)
    gc.freeze()  # otherwise garbage collection would copy shared memory pages
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
    """Fork a process for the job; return its id."""
    parent = os.getpid()
    pid = os.fork()
    if not pid:
        try:
            _die_with_parent(parent)
            _render_documents(compiler, files, timestamp)
        except BaseException as error:  # a panic in typst is not an Exception
            _exit_with_error(error)
        os._exit(0)
    for file in files:
        os.close(file)
    return pid


def _exit_with_error(error: BaseException) -> None:
    """Exit with EX_TEMPFAIL for faults of the host (OSError), and with 1 for others."""
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
        import json  # rarely needed

        document = json.loads(data)
        if not document["crest"]:
            raise
        # If the crest is not the cause, the second attempt raises the error.
        pdf = _compile(compiler, json.dumps({**document, "crest": []}), timestamp)
        print(f"{CREST_SKIPPED_MESSAGE}: {error}", file=sys.stderr)
    if not isinstance(pdf, bytes):
        raise TypeError("the typesetter returned no PDF")
    return pdf


def _die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent` exits; exit if it already has."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent process has exited")


if __name__ == "__main__":
    try:
        main(*map(int, sys.argv[1:]))
    except BaseException as error:
        _exit_with_error(error)
