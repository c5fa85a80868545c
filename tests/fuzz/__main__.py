"""Command line of the long fuzzing run: `python -m tests.fuzz`, called by `make fuzz`."""

import argparse
import random
import signal
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

from tests.fuzz.run import (
    ANONYMOUS,
    USERS,
    FuzzPlan,
    run_fuzz,
    stack_environment,
    write_users,
)
from tests.support.postgresql import PostgresqlServer
from tests.support.stack import Stack, create_database


def main() -> int:
    options = _options()
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.default_int_handler)
    seed = random.randrange(10_000) if options.seed is None else options.seed
    plan = FuzzPlan(options.examples, seed)
    print(f"seed {seed}, {options.database}, {options.examples} examples", flush=True)
    with ExitStack() as exit_stack:
        folder = Path(
            exit_stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-"))
        )
        url = ""
        if options.database == "postgresql":
            server = exit_stack.enter_context(closing(PostgresqlServer()))
            url = create_database(server.url)
        stack = exit_stack.enter_context(Stack(folder, url, **stack_environment()))
        users = write_users(stack)
        is_ok = True
        for role in options.roles:
            result = run_fuzz(stack, users, role, plan)
            if result.failures:
                is_ok = False
                print(result.output)
            print(
                f"{role}: {result.cases} requests in {result.seconds:.0f} s, "
                f"{len(result.failures)} kinds of failure",
                flush=True,
            )
    return 0 if is_ok else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int)
    parser.add_argument(
        "--database", choices=("sqlite", "postgresql"), default="sqlite"
    )
    all_roles = (*USERS, ANONYMOUS)
    parser.add_argument("--roles", nargs="*", default=all_roles, choices=all_roles)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
