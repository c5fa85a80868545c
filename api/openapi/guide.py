"""What the contract tells its readers beside the operations, in Markdown: the guide to the API."""

from collections.abc import Iterator

from tasks.states import FINAL, State

INTRODUCTION = """\
Ask for a heavy report of a school network, poll its task, fetch its result.

# In five steps

At [/docs](/docs), with nothing but a browser:

1. **Log in.** `POST /auth/token`. Copy `access` out of the answer, press **Authorize**, paste it
   bare (without `Bearer`), and confirm. It serves all operations until it ends; then log in again.
2. **See what there is.** `GET /reports` lists the reports offered to you, each with its
   parameters and a whole request as `example`.
3. **Ask.** Choose one of the examples of `POST /reports` from the list, and press
   **Execute**. The answer is 202 with the task's document; `task_id` is in it.
4. **Poll.** `GET /tasks/{task_id}`, until `state` is final.
5. **Fetch.** Read `result.data`, or `GET /tasks/{task_id}/result`.

On the demo network the password of all is `demo`:

| user | who | sees |
|---|---|---|
| `admin` | the network's administrator | all schools |
| `secretary` | staff of school 1 | the classes of school 1 |
| `teacher` | a teacher | classes 1 and 2 |
| `guardian` | a guardian | two children, in the reports meant for families |
| `stranger` | staff of school 2 | nothing of class 1: the examples are refused |
"""
POLLING = """\
# Polling

- Ask again after `poll_after_ms` (`Retry-After` has it in whole seconds). It is an estimate of when the
  report will be there, by how long its like took. Once the state is final there is neither.
- **Waiting.** With `Prefer: wait=20`, or `?wait=20`, the answer comes as soon as the state changes or a cancel is asked for, by
  progress alone after ten seconds, and at most 25 seconds later; `Preference-Applied` says what was granted.
  `POST /reports` with it waits for the end, and answers 200 instead of 202 if it saw that.
- **Only news.** Send the `ETag` of the document you have in `If-None-Match`: if it is still the same, the answer is 304
  without a body. The place in the queue does not count as news.
- **The same request twice.** Send `Idempotency-Key` with a value of your own: asked again within a day, `POST /reports`
  answers with the same task, and with `Idempotency-Replayed: true`.
- Treat a state that you do not know as still running.
"""
RESULTS = """\
# Results

- **Formats.** `json`, `jsonl` and `csv` are for programs: names that stay, ISO dates, decimal points (decimals are
  strings in JSON), codes. `csv-br` and `xlsx` are for people: titles and words in the task's `language`; `csv-br` as a
  Brazilian Excel reads it, `xlsx` with typed cells, charts and a sheet about itself. No cell starts a formula: in CSV an
  apostrophe stands before what would.
- `result.data` holds the rows where the format is `json` and they are few; `result.url` has them in any case, with the
  file's name in `Content-Disposition`. `result.sha256` is the file's SHA-256, and its `ETag`.
- **Parts.** With `Range: bytes=1000-` a cut download goes on where it ended (206); send `If-Range` with the `ETag` of
  the part you have.
- **Links.** `POST /tasks/{task_id}/result/link` gives an address that fetches the file without any header, for some
  minutes: for an `<a>`, or a phone's download manager.
- No row is no error: `succeeded` with `rows: 0`, and `summary` says why.
"""
PROBLEMS = """\
# Problems

What cannot be answered is explained by `application/problem+json` (RFC 9457). Its `code` is stable, for programs, and
[has a page](/problems) that says what to do; `detail` is for people, in the language of `Accept-Language`. `errors` points
to each member of the request that is wrong. `request_id` is the `X-Request-ID` that every answer has: quote it when you
report a fault. A task that `failed` was asked for well: what its `error` says went wrong while it was made, and [its code has
a page](/problems), too.
"""
_STATE_MEANINGS = {
    State.QUEUED: "It waits. `queue` says at which place and about how long, once that is known.",
    State.RUNNING: "It is being made; `progress` says how far. Made by a worker that is lost, it is `queued` again.",
    State.SUCCEEDED: "`result` is there.",
    State.FAILED: "`error` says why; its code has a page, as those of problems have.",
    State.CANCELED: "It was ended by `POST /tasks/{task_id}/cancel`.",
    State.EXPIRED: "It had succeeded. What was asked and made was erased when its time was over.",
}  # fmt: skip

BEARER_DESCRIPTION = (
    "The `access` of `POST /auth/token`, without `Bearer`. On the demo network try "
    "`teacher` with the password `demo`."
)
TAG_DESCRIPTIONS = {
    "auth": "Tokens: an access token for minutes, and a refresh token for two weeks that "
    "gives a new pair once.",
    "reports": "What can be asked for, and asking.",
    "records": "What the parameters of a report may name: of what you may see, and no more.",
    "tasks": "What was asked for, and what became of it. Each is its requester's alone: "
    "another's is the same 404 as none.",
    "health": "For probes.",
}
RESPONSE_DESCRIPTIONS = {
    ("create_report", "200"): "It has ended while you waited.",
    ("create_report", "202"): "It is in hand: poll `links.self`.",
    ("get_task", "200"): "The task as it is now; 200 in every state, `failed` too.",
    ("get_task", "304"): "It is as you know it: ask again after `Retry-After`.",
    ("cancel_task", "202"): "It has ended, or will within seconds: poll `links.self`.",
    ("delete_task", "204"): "It is erased.",
    ("log_out", "204"): "The refresh token is used up.",
    ("get_result", "200"): "The file.",
    ("get_result", "206"): "The part of the file that was asked for.",
}
"""What an answer means, where its status does not say that."""


def build_guide() -> str:
    parts = [INTRODUCTION, _states(), POLLING, RESULTS, PROBLEMS]
    return "\n".join(parts)


def _states() -> str:
    rows = (
        (f"`{state}`", _STATE_MEANINGS[state], "yes" if state in FINAL else "no")
        for state in State
    )
    return "# States\n\n" + _table(("`state`", "what it means", "final"), rows)


def _table(header: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
