from tests.stack import Stack

EXAMPLE = {"report": "class_performance", "parameters": {"class_id": 1}}


def test_report_asked_for_is_made_and_polled(stack: Stack) -> None:
    client = stack.as_user("teacher")

    task = client.ask("POST", "/reports", EXAMPLE)
    assert task["state"] in {"queued", "running"}
    done = stack.finished(client, task)

    assert done["state"] == "succeeded"
    assert done["task_id"] == task["task_id"]
    assert done["result"]["rows"] == len(done["result"]["data"]) == 40
