import os
import subprocess
import sys

import pytest

from bench import goals
from bench.engine import prepare_report
from bench.options import Options, read_options
from bench.results import save_section
from bench.runs import (
    Run,
    Variant,
    check_same,
    median,
    ratio,
    run_interleaved,
    tree_pss_bytes,
)


def make_runs(*seconds):
    return [Run(one, cpu_seconds=2 * one) for one in seconds]


def test_ratio_uses_medians():
    ours, theirs = make_runs(1, 9, 2), make_runs(4, 4, 100)

    assert median(ours) == 2
    assert ratio(ours, theirs) == 0.5
    assert median(ours, "cpu_seconds") == 4


def test_variants_are_interleaved_after_a_warm_up_round():
    order = []

    def variant(name):
        return lambda: order.append(name) or Run(len(order), 0)

    runs = run_interleaved({"a": variant("a"), "b": variant("b")}, rounds=2)

    assert order == ["b", "a", "a", "b", "b", "a"]
    assert [run.seconds for run in runs["a"]] == [3, 6]


def test_variants_with_different_answers_are_not_compared():
    runs = {"a": [Run(1, 1, "x")], "b": [Run(1, 1, "x")], "c": [Run(1, 1, "y")]}

    check_same(runs, "a", "b")
    with pytest.raises(RuntimeError, match="a, c differ"):
        check_same(runs, "a", "c")


def test_tree_pss_includes_the_process():
    assert tree_pss_bytes(os.getpid()) > 10_000_000


def test_tree_pss_includes_grandchildren():
    before = tree_pss_bytes(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-c", FORK_SCRIPT], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == b"forked\n"

        assert tree_pss_bytes(os.getpid()) > before + 30_000_000

        child.kill()


FORK_SCRIPT = """
import os, time
if not os.fork():
    taken = b"x" * 30_000_000
    os.write(1, b"forked\\n")
time.sleep(5)
"""


def test_goals_table_has_distinct_lines():
    lines = goals.update_table("", {}).splitlines()

    assert len(set(lines)) == len(lines)


def test_variant_runs_in_a_process_and_returns_its_answer(tmp_path):
    path = tmp_path / "a.xlsx"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "school.settings"}
    arguments = {"path": str(path), "count": 50}

    run = Variant(
        "bench.workbooks:ours", arguments, environment=environment, samples_memory=True
    )()

    assert run.answer == path.stat().st_size
    assert run.peak_bytes > 10_000_000
    assert run.resident_bytes > 10_000_000


@pytest.mark.parametrize(
    ("goal", "value", "cells"),
    [
        ("xlsx", 0.25, "0.25× | yes"),
        ("xlsx", 0.5, "0.50× | no: 2.00 times the goal"),
        ("pdf-two", 1.7, "1.70× | yes"),
        ("pdf-two", 0.85, "0.85× | no: 2.00 times the goal"),
        ("memory-csv", 90, "90.00 MB | yes"),
    ],
)
def test_goal_cells_state_whether_it_is_reached(goal, value, cells):
    assert goals.GOALS[goal].result_cells(value) == cells


def test_goals_table_keeps_goals_not_measured_again():
    first = goals.update_table("", {"xlsx": 0.1, "api": 0.9})
    second = goals.update_table(first, {"api": 1.1})

    assert "| 0.10× | yes |" in second
    assert "| 0.90× | yes |" not in second
    assert second.count("not measured yet") == len(goals.GOALS) - 2


def test_trial_run_is_not_saved(tmp_path):
    path = tmp_path / "RESULTS.md"

    save_section("bench.a", "one", {"xlsx": 0.1}, Options(rounds=1), path)

    assert not path.exists()


def test_repeated_section_keeps_its_position(tmp_path):
    path = tmp_path / "RESULTS.md"

    save_section("bench.a", "one", {"xlsx": 0.1}, Options(), path)
    save_section("bench.b", "two", {}, Options(), path)
    save_section("bench.a", "three", {"xlsx": 0.2}, Options(), path)

    text = path.read_text()
    assert text.index("## bench.a") < text.index("three") < text.index("## bench.b")
    assert "one" not in text.partition("## bench.a")[2]
    assert "| 0.20× | yes |" in text


def test_trial_options_are_parsed():
    assert read_options("About.", ["--rounds", "1"]) == Options(rounds=1)
    assert Options().is_whole
    assert not Options(students=2000).is_whole


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_engine_builds_a_report(snapshot_connection, monkeypatch, settings, tmp_path):
    monkeypatch.setitem(sys.modules, "rich", None)
    settings.ARTIFACTS_DIR = tmp_path  # the engine sets it, too

    work = prepare_report("class_performance", {"year": 2026}, "csv", str(tmp_path))

    assert work()["rows"] > 0
