"""`python -m tests.fuzz`: the long run from the command line, which `make fuzz` calls."""

import argparse
import random
import signal
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

from tests.fuzz.run import NOBODY, USERS, Plan, environment, fuzz, write_users
from tests.support.postgresql import Postgresql
from tests.support.stack import Stack, new_database


def main() -> int:
    options = _options()
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.default_int_handler)
    seed = random.randrange(10_000) if options.seed is None else options.seed
    plan = Plan(options.examples, seed)
    print(f"seed {seed}, {options.database}, {options.examples} examples", flush=True)
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-")))
        url = ""
        if options.database == "postgresql":
            server = undo.enter_context(closing(Postgresql()))
            url = new_database(server.url)
        stack = undo.enter_context(Stack(folder, url, **environment()))
        users = write_users(stack)
        is_kept = True
        for role in options.roles:
            found = fuzz(stack, users, role, plan)
            if found.failures:
                is_kept = False
                print(found.text)
            print(
                f"{role}: {found.cases} requests in {found.seconds:.0f} s, "
                f"{len(found.failures)} kinds of failure",
                flush=True,
            )
    return 0 if is_kept else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int)
    parser.add_argument(
        "--database", choices=("sqlite", "postgresql"), default="sqlite"
    )
    everybody = (*USERS, NOBODY)
    parser.add_argument("--roles", nargs="*", default=everybody, choices=everybody)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
