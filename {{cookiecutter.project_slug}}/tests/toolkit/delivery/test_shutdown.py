"""Signals end a process in order, and a process that hangs all the same."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from toolkit.delivery.shutdown import close_within

PROGRAM = """
import asyncio, time
from toolkit.delivery.shutdown import run_until_signal

async def serve(stop):
    print("ready", flush=True)
    {body}
    print("in order", flush=True)

run_until_signal(serve, within={within})
"""


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process that serves by the given code."""
    processes = []

    def begin(body: str, within: float) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(body=body, within=within)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGINT"])
def test_a_signal_stops_in_order(start: Callable[..., subprocess.Popen[str]], signal: str) -> None:
    import signal as signals

    process = start("await stop.wait()", within=60)
    process.send_signal(signals.Signals[signal])

    out, _ = process.communicate(timeout=60)

    assert out == "in order\n"
    assert process.returncode == 0


def test_a_second_signal_ends_at_once(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("await stop.wait(); print('asked', flush=True); time.sleep(600)", within=600)
    process.terminate()
    assert process.stdout is not None
    assert process.stdout.readline() == "asked\n"
    process.terminate()

    out, err = process.communicate(timeout=60)

    assert out == ""
    assert "second signal" in err
    assert process.returncode == 128 + 15


@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(600)",
        "await stop.wait(); await asyncio.Event().wait()",
        "await stop.wait(); await asyncio.to_thread(time.sleep, 600)",
        "asyncio.get_running_loop().run_in_executor(None, time.sleep, 600); await stop.wait()",
    ],
    ids=["blocked loop", "hung coroutine", "hung thread", "hung thread left behind"],
)
def test_what_hangs_is_ended_when_the_time_is_over(
    start: Callable[..., subprocess.Popen[str]], body: str
) -> None:
    process = start(body, within=0.1)
    process.terminate()

    _, err = process.communicate(timeout=60)

    assert "not finished 0.1 s after the signal" in err
    assert process.returncode == 1


async def test_what_does_not_close_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        await close_within(0.01, "the store", asyncio.Event().wait())

    assert "the store did not close within 0.01 s" in caplog.text


async def test_what_fails_to_close_says_so() -> None:
    async def fail() -> None:
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        await close_within(1.0, "the store", fail())
