"""Command line of the chaos run: `python -m tests.chaos`, called by `make chaos`."""

import argparse
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.chaos.faults import FAULTS
from tests.chaos.run import ChaosPlan, run_chaos


def main() -> int:
    options = _options()
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.default_int_handler)
    seed = random.randrange(10_000) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    console = Console()
    console.print(f"seed {seed}, {options.database}, {options.minutes:g} minutes; state in {folder}")  # fmt: skip
    plan = ChaosPlan(seed, options.database, options.minutes * 60, options.faults)
    try:
        is_ok = run_chaos(plan, folder, console).is_ok
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    if not is_ok:
        console.print(
            f"\n[bold red]An invariant was violated.[/] The logs are in {folder}."
        )
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int)
    parser.add_argument(
        "--database", choices=("sqlite", "postgresql"), default="sqlite"
    )
    parser.add_argument("--faults", nargs="*", default=(), choices=sorted(FAULTS))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
