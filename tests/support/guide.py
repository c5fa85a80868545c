"""Guides in Markdown: their code fences, and a walk that runs them in order.

The words after a fence's language say what its text is:

    sh                      commands that succeed
    sh falha                commands that fail
    sh terminal=NAME        a command that goes on in a terminal of its own
    sh docker               commands that need Docker; the walk leaves them out
    powershell, … terminal= commands for Windows
    python arquivo=PATH     a file that the reader writes
    python trecho=PATH      lines of a file of the repository
    text                    lines of the output of the fence before
    text log=NAME           lines of the output of a terminal
"""

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND_TIMEOUT_SECONDS = 180
LOG_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 30
WINDOWS_SETUP = re.compile(
    r"^(py -m venv .*|.*Activate\.ps1|.* pip install .*)\n", re.M
)
WINDOWS_VARIABLE = re.compile(r"^\$env:(\w+) = (.*)$", re.M)


@dataclass(frozen=True)
class Fence:
    language: str
    options: dict[str, str]
    text: str
    line: int

    @property
    def kind(self) -> str:
        return " ".join([self.language, *sorted(self.options)])

    @property
    def place(self) -> str:
        return f"the fence in line {self.line}"


def parse_fences(markdown: str) -> list[Fence]:
    return [
        Fence(
            match[1],
            {word.partition("=")[0]: word.partition("=")[2] for word in match[2].split()},
            match[3],
            markdown[: match.start()].count("\n") + 1,
        )
        for match in FENCE.finditer(markdown)
    ]  # fmt: skip


def lacks_lines(expected: str, output: str) -> str | None:
    """Return the first expected line that is missing in the output, in this order.

    In an expected line `…` stands for any text.
    """
    lines = iter(output.splitlines())
    for line in expected.splitlines():
        pattern = ".*".join(map(re.escape, line.rstrip().split("…")))
        if not any(re.fullmatch(pattern, actual.rstrip()) for actual in lines):
            return line
    return None


def translate_powershell(text: str) -> str:
    """Return the commands as Linux runs them; the set-up is the same as in the `sh` fences."""
    return WINDOWS_VARIABLE.sub(r"export \1=\2", WINDOWS_SETUP.sub("", text))


class Terminal:
    """A command that goes on, and its output."""

    def __init__(self, command: str, log: Path, **options: object) -> None:
        self._log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                ["bash", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **options,  # type: ignore[call-overload]
            )

    def output(self) -> str:
        return self._log.read_text()

    def has_exited(self) -> bool:
        return self._process.poll() is not None

    def stop(self) -> None:
        """Press Ctrl-C, and kill what goes on all the same."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Walk:
    """A reader who follows a guide from its first fence to its last."""

    def __init__(
        self,
        folder: Path,
        environment: dict[str, str],
        *,
        log_dir: Path,
        replacements: dict[str, str],
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._log_dir = log_dir
        self._replacements = replacements
        self._terminals: dict[str, Terminal] = {}
        self._language = ""
        self._output = ""
        self._last_terminal: Terminal | None = None

    def __enter__(self) -> "Walk":
        return self

    def __exit__(self, *_: object) -> None:
        self._close_terminals()

    def follow(self, fence: Fence) -> None:
        """Do what the fence says; raise AssertionError if something else happens."""
        text = self._replace(fence.text)
        match fence.language:
            case "python" if "arquivo" in fence.options:
                (self._folder / fence.options["arquivo"]).write_text(text)
            case "text":
                self._expect(fence, text)
            case "powershell":
                self._run(fence, translate_powershell(text))
            case "sh" if "docker" not in fence.options:
                self._run(fence, text)

    def _replace(self, text: str) -> str:
        for old, new in self._replacements.items():
            text = text.replace(old, new)
        return text

    def _run(self, fence: Fence, command: str) -> None:
        environment = dict(self._environment)
        if fence.language != self._language:  # a section for the other system
            self._close_terminals(keep={"redis"})
            self._language = fence.language
        if command.startswith("make "):  # the reader has stopped everything
            self._close_terminals()
            environment.pop("REDIS_URL", None)
        options = {"cwd": self._folder, "env": environment}
        if name := fence.options.get("terminal"):
            self._close_terminal(name)
            log = self._log_dir / f"{fence.line:04}-{name}.log"
            self._terminals[name] = Terminal(command, log, **options)
            self._last_terminal = self._terminals[name]
            return
        self._last_terminal = None
        process = subprocess.run(
            ["bash", "-e", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_TIMEOUT_SECONDS,
            check=False,
            **options,  # type: ignore[call-overload]
        )
        self._output = process.stdout
        has_failed = process.returncode != 0
        assert has_failed == ("falha" in fence.options), (
            f"{fence.place}: {self._output}"
        )

    def _expect(self, fence: Fence, expected: str) -> None:
        name = fence.options.get("log")
        terminal = self._terminals[name] if name else self._last_terminal
        deadline = time.monotonic() + (LOG_TIMEOUT_SECONDS if terminal else 0)
        while True:
            output = terminal.output() if terminal else self._output
            missing = lacks_lines(expected, output)
            if missing is None:
                return
            has_ended = terminal is None or terminal.has_exited()
            if has_ended or time.monotonic() > deadline:
                raise AssertionError(f"{fence.place}: no {missing!r} in {output}")
            time.sleep(0.1)

    def _close_terminals(self, keep: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        # The Redis last: without it a worker does not stop.
        for name in reversed([name for name in self._terminals if name not in keep]):
            self._close_terminal(name)

    def _close_terminal(self, name: str) -> None:
        if terminal := self._terminals.pop(name, None):
            terminal.stop()
