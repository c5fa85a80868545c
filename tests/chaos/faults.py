"""Every fault the service survives, what it is, and within how long all is well again."""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.chaos.clients import Crowd
from tests.chaos.cluster import House, kill
from tests.support.stack import frozen

SHIFTED = Path(__file__).with_name("clock_shift")


@dataclass(frozen=True)
class Scene:
    """Where a fault strikes."""

    house: House
    crowd: Crowd
    dice: random.Random
    seconds: float
    """How long the fault is to last, if it is one that lasts."""

    def pause(self) -> None:
        self.house.pause(self.seconds)


Strike = Callable[[Scene], None]


@dataclass(frozen=True)
class Fault:
    name: str
    what: str
    strike: Strike
    """Injects the fault and heals it; over when it returns."""
    part: str
    """What it takes hold of: two at once are never of one part."""
    bound: int
    """Seconds after the healing within which everything it hit goes on."""
    lasts: tuple[float, float]
    may_cost_attempts: bool
    only: str

    def impossible(self, house: House) -> str:
        """Why it cannot be done here, if it cannot."""
        if self.only == "postgresql" and not house.is_postgresql:
            return "there is no server to stop"
        if self.only == "linux" and not hasattr(psutil.Process, "rlimit"):
            return "no limits can be set on a running process here"
        return ""


FAULTS: dict[str, Fault] = {}


def fault(
    what: str,
    *,
    part: str,
    bound: int,
    lasts: tuple[float, float] = (0, 0),
    may_cost_attempts: bool = False,
    only: str = "",
) -> Callable[[Strike], Strike]:
    def add(strike: Strike) -> Strike:
        name = strike.__name__
        FAULTS[name] = Fault(
            name, what, strike, part, bound, lasts, may_cost_attempts, only
        )
        return strike

    return add


# --- Processes ----------------------------------------------------------------------


@fault("`kill -9` of a worker's child while it makes a report",
       part="workers", bound=30, may_cost_attempts=True)  # fmt: skip
def pool_child_killed(scene: Scene) -> None:
    kill(_a_child(scene))


@fault("`kill -9` of a whole worker",
       part="workers", bound=30, may_cost_attempts=True)  # fmt: skip
def worker_killed(scene: Scene) -> None:
    names = ["worker-reports", "worker-reports", "worker-bulk", "worker-default"]
    scene.house.kill(scene.dice.choice(names))


@fault("a worker frozen past its lease, then resumed",
       part="workers", bound=30, lasts=(17, 20), may_cost_attempts=True)  # fmt: skip
def worker_frozen(scene: Scene) -> None:
    with frozen(scene.house.processes("worker-reports")):
        scene.pause()


@fault("a worker's child frozen past its lease, then resumed",
       part="workers", bound=30, lasts=(17, 20), may_cost_attempts=True)  # fmt: skip
def pool_child_frozen(scene: Scene) -> None:
    with frozen(_a_child(scene)):
        scene.pause()


@fault("a worker killed after Redis gave it a message and before it noted that",
       part="workers", bound=30, may_cost_attempts=True)  # fmt: skip
def worker_killed_with_message_in_hand(scene: Scene) -> None:
    house, crowd = scene.house, scene.crowd
    with (
        house.unattended(),
        house.frozen_between_writes(house.processes("worker-bulk")),
    ):
        entry = crowd.ask("admin", crowd.wishes.slow(0.5, 1, "slow_export"))
        if entry is not None:
            published = "queue = 'reports.bulk' AND published_at IS NOT NULL"
            house.until(lambda: house.count(f"{published} AND state = 'queued'"), 5)
            house.pause(0.3)
        kill(house.processes("worker-bulk"))


@fault("`kill -9` of a worker just after a cancel of what it makes",
       part="workers", bound=30, may_cost_attempts=True)  # fmt: skip
def worker_killed_after_cancel(scene: Scene) -> None:
    house, crowd = scene.house, scene.crowd
    entry = crowd.ask("teacher", crowd.wishes.slow(8, 9))
    if entry is not None:
        house.until(lambda: crowd.poll(entry) and entry.seen != "queued", 10)
        crowd.cancel(entry)
    house.kill("worker-reports")


@fault("a cancel while no worker is up",
       part="workers", bound=30, lasts=(2, 4), may_cost_attempts=True)  # fmt: skip
def canceled_without_worker(scene: Scene) -> None:
    house, crowd = scene.house, scene.crowd
    with house.unattended():
        house.kill("worker-reports")
        under_way = crowd.ledger.open()
        for entry in scene.dice.sample(under_way, min(3, len(under_way))):
            crowd.cancel(entry)
        scene.pause()


@fault("`kill -9` of the web process between its commit and the message",
       part="redis", bound=30)  # fmt: skip
def web_killed_after_commit(scene: Scene) -> None:
    house, crowd = scene.house, scene.crowd
    with house.redis_frozen():
        before = house.count("1 = 1")
        crowd.ask_without_waiting("secretary", crowd.wishes.slow(0.5, 1))
        house.until(lambda: house.count("1 = 1") > before, 3)
        house.kill("web")


@fault("`kill -9` of a worker between its commit and the document in Redis",
       part="redis", bound=30, may_cost_attempts=True)  # fmt: skip
def worker_killed_before_mirroring(scene: Scene) -> None:
    house = scene.house
    unseen = "state IN ('succeeded', 'failed') AND projected_version < version"
    with house.redis_frozen():
        house.until(lambda: house.count(unseen), 4)
        house.kill("worker-reports")


@fault("`kill -9` of the dispatcher", part="dispatcher", bound=30)
def dispatcher_killed(scene: Scene) -> None:
    scene.house.kill("dispatcher")


@fault("two dispatchers at once", part="dispatcher", bound=30, lasts=(4, 10))
def second_dispatcher(scene: Scene) -> None:
    with scene.house.one_more("dispatcher"):
        scene.pause()


@fault("SIGTERM of everything, and a new start (a deploy)", part="all", bound=30)
def deploy(scene: Scene) -> None:
    house = scene.house
    with house.unattended():
        house.end(*house.names)
        for name in house.names:
            house.start(name)


@fault("a worker on a host whose clock is minutes off",
       part="workers", bound=30, lasts=(6, 12))  # fmt: skip
def clock_off(scene: Scene) -> None:
    house = scene.house
    shift = scene.dice.choice((-1, 1)) * scene.dice.uniform(120, 600)
    try:
        with house.unattended():
            house.end("worker-reports")
            house.start_with("worker-reports", PYTHONPATH=str(SHIFTED),
                             CLOCK_SHIFT_SECONDS=str(shift))  # fmt: skip
        scene.pause()
    finally:
        with house.unattended():
            house.end("worker-reports")
            house.start("worker-reports")


@fault("the disk full while artifacts are written",
       part="workers", bound=30, lasts=(2, 5), may_cost_attempts=True, only="linux")  # fmt: skip
def disk_full(scene: Scene) -> None:
    with _no_file_grows(scene.house, "worker-reports"):
        scene.pause()


# --- Redis --------------------------------------------------------------------------


@fault("`CLIENT KILL` of all connections to Redis", part="redis", bound=30)
def connections_cut(scene: Scene) -> None:
    for kind in ("normal", "pubsub"):
        scene.house.redis.execute_command("CLIENT", "KILL", "TYPE", kind)


@fault("Redis killed, and back with its file",
       part="redis", bound=30, lasts=(0, 3))  # fmt: skip
def redis_killed(scene: Scene) -> None:
    with scene.house.redis_killed():
        scene.pause()


@fault("Redis killed, and back without its file", part="redis", bound=30)
def redis_back_empty(scene: Scene) -> None:
    with scene.house.redis_killed() as file:
        shutil.rmtree(file)


@fault("Redis killed, and back with an older file",
       part="redis", bound=30, lasts=(3, 8))  # fmt: skip
def redis_back_with_older_file(scene: Scene) -> None:
    older = scene.house.copy_of_redis_file()
    scene.pause()
    with scene.house.redis_killed() as file:
        shutil.rmtree(file)
        older.rename(file)


@fault("`FLUSHALL`", part="redis", bound=30)
def redis_flushed(scene: Scene) -> None:
    scene.house.redis.flushall()


@fault("the keys of the queues deleted", part="redis", bound=30)
def queue_keys_deleted(scene: Scene) -> None:
    redis = scene.house.redis
    bindings = list(redis.scan_iter("_kombu.binding.*"))
    redis.delete("reports", "reports.bulk", "default", "unacked", "unacked_index",
                 *bindings)  # fmt: skip


@fault("Redis frozen for up to a minute", part="redis", bound=30, lasts=(3, 60))
def redis_frozen(scene: Scene) -> None:
    with scene.house.redis_frozen():
        scene.pause()


@fault("Redis refusing for up to a minute", part="redis", bound=30, lasts=(3, 60))
def redis_refused(scene: Scene) -> None:
    with scene.house.redis_killed():
        scene.pause()


@fault("`celery control revoke` by hand", part="redis", bound=30)
def revoked_by_hand(scene: Scene) -> None:
    under_way = scene.crowd.ledger.open()
    if under_way:
        entry = scene.dice.choice(under_way)
        entry.revoked = True
        scene.house.by_hand("control", "revoke", entry.task_id)


@fault("`celery purge` by hand", part="redis", bound=30)
def purged_by_hand(scene: Scene) -> None:
    scene.house.by_hand("purge", "--force")


# --- The database -------------------------------------------------------------------


@fault("PostgreSQL restarted",
       part="database", bound=30, may_cost_attempts=True, only="postgresql")  # fmt: skip
def postgresql_restarted(scene: Scene) -> None:
    scene.house.postgresql.stop()
    scene.house.postgresql.start()


@fault("PostgreSQL refusing for up to half a minute",
       part="database", bound=30, lasts=(3, 30), may_cost_attempts=True,
       only="postgresql")  # fmt: skip
def postgresql_refused(scene: Scene) -> None:
    scene.house.postgresql.stop()
    try:
        scene.pause()
    finally:
        scene.house.postgresql.start()


def _a_child(scene: Scene) -> list[psutil.Process]:
    children = scene.house.processes("worker-reports")[1:]
    return [scene.dice.choice(children)] if children else []


@contextmanager
def _no_file_grows(house: House, name: str) -> Iterator[None]:
    """Every write that lets a file grow fails for the processes of that name."""
    limit = psutil.RLIMIT_FSIZE
    before = {process: process.rlimit(limit) for process in house.processes(name)}
    usual = next(iter(before.values()), (-1, -1))
    try:
        for process, (_, hard) in before.items():
            process.rlimit(limit, (0, hard))
        yield
    finally:
        for process in house.processes(name):  # children are born with their parent's
            with suppress(psutil.NoSuchProcess):
                process.rlimit(limit, usual)
