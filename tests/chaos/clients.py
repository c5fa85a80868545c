"""The users: they ask for reports, poll them, cancel some, and never rest."""

import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.cluster import House
from tests.chaos.http_calls import NO_ANSWER, Answer, call
from tests.chaos.ledger import Entry, Ledger
from tests.chaos.workload import CLASSES, Wish, Wishes

OPEN_AT_MOST = 8
"""Tasks a user has under way before they wait for one to end."""
SAME_AT_ONCE = 4
"""How often a request with an `Idempotency-Key` is sent in parallel."""
SHARE_WITH_KEY = 0.08
SHARE_CANCELED_AT_ONCE = 0.05
SHARE_CANCELED_RUNNING = 0.02
"""Of each poll that sees a task run."""
SHARE_WAITING = 0.2
WAIT_SECONDS = 3
SENT_AGAIN = 10


class Crowd:
    def __init__(self, house: House, seed: int) -> None:
        self._house = house
        self._seed = seed
        self.ledger = Ledger()
        self.wishes = Wishes(seed, house.folder / "tally")
        self._tokens = {user: self._log_in(user) for user in CLASSES}
        self._asking = threading.Event()
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._senders = ThreadPoolExecutor(SAME_AT_ONCE * (len(CLASSES) + 2))

    def begin(self) -> None:
        self._asking.set()
        for user in CLASSES:
            for work in (self._ask_on, self._poll_on):
                thread = threading.Thread(target=work, args=(user,), daemon=True)
                thread.start()
                self._threads.append(thread)

    def stop_asking(self) -> None:
        self._asking.clear()

    def end(self) -> None:
        self._asking.clear()
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._senders.shutdown()

    # --- What a user does, and faults too ----------------------------------------------

    def ask(self, user: str, wish: Wish, key: str = "") -> Entry | None:
        """Ask once; None if it was not accepted."""
        answer = self._call(user, "POST", "/reports", wish.body, key)
        self.ledger.submits.append(answer)
        if answer.status == 429:
            self._house.pause(1)
        if answer.status != 202:
            return None
        return self.ledger.accept(user, wish, answer, key)

    def ask_many_times(self, user: str, wish: Wish) -> None:
        """The same request at once and again, as by a client that hears no answer."""
        key = str(uuid.uuid4())
        for _ in range(SENT_AGAIN):
            sent = [
                self._senders.submit(self.ask, user, wish, key)
                for _ in range(SAME_AT_ONCE)
            ]
            if any(one.result() for one in sent) or self._over.wait(1):
                return

    def ask_without_waiting(self, user: str, wish: Wish) -> None:
        self._senders.submit(self.ask_many_times, user, wish)

    def poll(self, entry: Entry) -> Answer:
        answer = self._call(entry.user, "GET", f"/tasks/{entry.task_id}")
        self.ledger.polls.append(answer)
        if answer.status == 200:
            entry.see(answer.document)
        return answer

    def wait(self, entry: Entry) -> None:
        """As a client that is told of changes; how long it takes is part of it."""
        path = f"/tasks/{entry.task_id}?wait={WAIT_SECONDS}"
        answer = self._call(entry.user, "GET", path)
        if answer.status == 200:
            entry.see(answer.document)

    def cancel(self, entry: Entry) -> None:
        entry.cancel_asked = True
        answer = self._call(entry.user, "POST", f"/tasks/{entry.task_id}/cancel")
        entry.cancel_accepted |= answer.status == 202

    def fetch(self, entry: Entry, path: str = "") -> Answer:
        """The task, or what is below it, as its requester gets it; tried for a while."""
        for _ in range(5):
            answer = self._call(entry.user, "GET", f"/tasks/{entry.task_id}{path}")
            if answer.status not in (NO_ANSWER, 502, 503):
                break
            time.sleep(1)
        return answer

    # --- Their days ------------------------------------------------------------------

    def _ask_on(self, user: str) -> None:
        dice = random.Random(f"asking {self._seed} {user}")
        while not self._over.wait(dice.uniform(0.05, 0.4)):
            if not self._asking.is_set():
                continue
            if len(self.ledger.open(user)) >= OPEN_AT_MOST:
                continue
            wish = self.wishes.draw(user)
            if dice.random() < SHARE_WITH_KEY:
                self.ask_many_times(user, wish)
                continue
            entry = self.ask(user, wish)
            if entry is not None and dice.random() < SHARE_CANCELED_AT_ONCE:
                self.cancel(entry)

    def _poll_on(self, user: str) -> None:
        dice = random.Random(f"polling {self._seed} {user}")
        while not self._over.wait(dice.uniform(0.1, 0.3)):
            own = self.ledger.open(user)
            if not own:
                continue
            entry = dice.choice(own)
            self.wait(entry) if dice.random() < SHARE_WAITING else self.poll(entry)
            if entry.seen == "running" and dice.random() < SHARE_CANCELED_RUNNING:
                self.cancel(entry)

    def _call(
        self, user: str, method: str, path: str, body: object = None, key: str = ""
    ) -> Answer:
        url, token = self._house.base + path, self._tokens[user]
        return call(url, method=method, token=token, body=body, key=key)

    def _log_in(self, user: str) -> str:
        body = {"username": user, "password": "demo"}
        url = f"{self._house.base}/auth/token"
        return str(call(url, method="POST", body=body).document["access"])
