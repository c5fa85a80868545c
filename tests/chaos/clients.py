"""Simulated users that submit, poll and cancel reports throughout the run."""

import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.cluster import Cluster
from tests.chaos.http_calls import NO_RESPONSE, Response, send_request
from tests.chaos.ledger import Ledger, LedgerEntry
from tests.chaos.workload import CLASS_IDS_BY_USER, PlannedRequest, Workload

MAX_OPEN_TASKS = 8
"""Open tasks per user; at this number the user waits for one to end."""
PARALLEL_DUPLICATES = 4
"""Copies of a request with an `Idempotency-Key` that are sent in parallel."""
SHARE_WITH_KEY = 0.08
SHARE_CANCELED_IMMEDIATELY = 0.05
SHARE_CANCELED_RUNNING = 0.02
"""Probability of a cancel after each poll that shows a running task."""
SHARE_LONG_POLLS = 0.2
LONG_POLL_SECONDS = 3
MAX_RESENDS = 10


class Clients:
    def __init__(self, cluster: Cluster, seed: int) -> None:
        self._cluster = cluster
        self._seed = seed
        self.ledger = Ledger()
        self.workload = Workload(seed, cluster.folder / "tally")
        self._tokens = {user: self._log_in(user) for user in CLASS_IDS_BY_USER}
        self._submitting = threading.Event()
        self._stop_event = threading.Event()
        self._threads: list[threading.Thread] = []
        self._senders = ThreadPoolExecutor(
            PARALLEL_DUPLICATES * (len(CLASS_IDS_BY_USER) + 2)
        )

    def start(self) -> None:
        self._submitting.set()
        for user in CLASS_IDS_BY_USER:
            for loop in (self._submit_loop, self._poll_loop):
                thread = threading.Thread(target=loop, args=(user,), daemon=True)
                thread.start()
                self._threads.append(thread)

    def stop_submitting(self) -> None:
        self._submitting.clear()

    def stop(self) -> None:
        self._submitting.clear()
        self._stop_event.set()
        for thread in self._threads:
            thread.join()
        self._senders.shutdown()

    # --- Requests, also made by faults -------------------------------------------------

    def submit(
        self, user: str, request: PlannedRequest, idempotency_key: str = ""
    ) -> LedgerEntry | None:
        """Submit once; return None unless the request was accepted."""
        response = self._send(user, "POST", "/reports", request.body, idempotency_key)
        self.ledger.submit_responses.append(response)
        if response.status == 429:
            self._cluster.pause(1)
        if response.status != 202:
            return None
        return self.ledger.add(user, request, response, idempotency_key)

    def submit_repeatedly(self, user: str, request: PlannedRequest) -> None:
        """Send copies of a request in parallel, and again until one is accepted."""
        idempotency_key = str(uuid.uuid4())
        for _ in range(MAX_RESENDS):
            futures = [
                self._senders.submit(self.submit, user, request, idempotency_key)
                for _ in range(PARALLEL_DUPLICATES)
            ]
            if any(future.result() for future in futures) or self._stop_event.wait(1):
                return

    def submit_in_background(self, user: str, request: PlannedRequest) -> None:
        self._senders.submit(self.submit_repeatedly, user, request)

    def poll(self, entry: LedgerEntry) -> Response:
        response = self._send(entry.user, "GET", f"/tasks/{entry.task_id}")
        self.ledger.poll_responses.append(response)
        if response.status == 200:
            entry.record_state(response.document)
        return response

    def long_poll(self, entry: LedgerEntry) -> None:
        """Wait for a change; the response time is not recorded, since it includes the wait."""
        path = f"/tasks/{entry.task_id}?wait={LONG_POLL_SECONDS}"
        response = self._send(entry.user, "GET", path)
        if response.status == 200:
            entry.record_state(response.document)

    def cancel(self, entry: LedgerEntry) -> None:
        entry.has_cancel_request = True
        response = self._send(entry.user, "POST", f"/tasks/{entry.task_id}/cancel")
        entry.is_cancel_accepted |= response.status == 202

    def fetch(self, entry: LedgerEntry, path: str = "") -> Response:
        """Fetch the task or a path below it, with retries while the service is unavailable."""
        for _ in range(5):
            response = self._send(entry.user, "GET", f"/tasks/{entry.task_id}{path}")
            if response.status not in (NO_RESPONSE, 502, 503):
                break
            time.sleep(1)
        return response

    # --- Threads ---------------------------------------------------------------------

    def _submit_loop(self, user: str) -> None:
        rng = random.Random(f"asking {self._seed} {user}")
        while not self._stop_event.wait(rng.uniform(0.05, 0.4)):
            if not self._submitting.is_set():
                continue
            if len(self.ledger.open_entries(user)) >= MAX_OPEN_TASKS:
                continue
            request = self.workload.draw_request(user)
            if rng.random() < SHARE_WITH_KEY:
                self.submit_repeatedly(user, request)
                continue
            entry = self.submit(user, request)
            if entry is not None and rng.random() < SHARE_CANCELED_IMMEDIATELY:
                self.cancel(entry)

    def _poll_loop(self, user: str) -> None:
        rng = random.Random(f"polling {self._seed} {user}")
        while not self._stop_event.wait(rng.uniform(0.1, 0.3)):
            open_entries = self.ledger.open_entries(user)
            if not open_entries:
                continue
            entry = rng.choice(open_entries)
            self.long_poll(entry) if rng.random() < SHARE_LONG_POLLS else self.poll(
                entry
            )
            if entry.last_state == "running" and rng.random() < SHARE_CANCELED_RUNNING:
                self.cancel(entry)

    def _send(
        self,
        user: str,
        method: str,
        path: str,
        body: object = None,
        idempotency_key: str = "",
    ) -> Response:
        url, token = self._cluster.base_url + path, self._tokens[user]
        return send_request(
            url, method=method, token=token, body=body, idempotency_key=idempotency_key
        )

    def _log_in(self, user: str) -> str:
        body = {"username": user, "password": "demo"}
        url = f"{self._cluster.base_url}/auth/token"
        return str(send_request(url, method="POST", body=body).document["access"])
