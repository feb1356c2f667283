#!/usr/bin/python3
"""A relay whose queue has built up: how fast it starts, what memory it takes, and what mail for others feels of it.

    tests/bench/relay_queue.py [--messages 1000000] [--destinations 1000]

Prints one line a figure. The messages wait for destinations that nobody listens at."""
import argparse
import pathlib
import re
import smtplib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.bench.figures import cpu_seconds, memory_kib, say  # noqa: E402
from tests.support import messages  # noqa: E402
from tests.support.mesh import BIN, Mesh  # noqa: E402
from tests.support.ports import wait_until  # noqa: E402
from tests.support.scripted import SmtpServer  # noqa: E402


def send(mesh, count, domain):
    started = time.monotonic()
    with smtplib.SMTP(*mesh.address("mx"), timeout=60) as smtp:
        for i in range(count):
            smtp.sendmail("sender@origin.test", [f"bert@{domain}"], messages.simple(f"live-{i}", 2000))
    return started


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--destinations", type=int, default=1000)
    parser.add_argument("--live", type=int, default=500)
    options = parser.parse_args()
    config = "outbound_relay: {min_retry: 1m, delay_warning: 0s, connect_timeout: 5s, dns: {timeout: 2s, forwarders: ['127.0.0.1:1']}}\n"
    with Mesh(config) as mesh, SmtpServer() as sink:
        mesh.run("domain", "add", "live.test", "--relay")
        mesh.run("route", "add", "live.test", sink.address)
        say("memory of an empty relay, KiB", memory_kib(mesh, "outbound_relay"))
        started = send(mesh, options.live, "live.test")
        wait_until(lambda: len(sink.messages) == options.live, "delivery", 120)
        say(f"{options.live} messages through an empty queue, seconds", f"{time.monotonic() - started:.2f}")
        mesh.stop()
        started = time.monotonic()
        spool = mesh.dir / "data/outbound_relay"
        subprocess.run([BIN.parent / "tests/spool_fill", spool, str(options.messages), str(options.destinations), "0"], check=True)
        say("filling it, seconds", f"{time.monotonic() - started:.1f}")
        started = time.monotonic()
        mesh.start()
        say("start of the whole mesh, seconds", f"{time.monotonic() - started:.2f}")
        # The log goes on from before the stop: the second one is this start's.
        opened = wait_until(lambda: re.findall(r"queue opened.*", mesh.log())[1:], "the queue was read", 120)[0]
        say("until the queue was read, seconds", f"{time.monotonic() - started:.2f}")
        say("what the relay says", re.sub(r"\s+", " ", opened)[:150])
        say("memory with the queue, KiB", memory_kib(mesh, "outbound_relay"))
        before = len(sink.messages)
        started = send(mesh, options.live, "live.test")
        wait_until(lambda: len(sink.messages) == before + options.live, "delivery beside the queue", 120)
        say(f"{options.live} messages beside the queue, seconds", f"{time.monotonic() - started:.2f}")
        used = cpu_seconds(mesh, "outbound_relay")
        time.sleep(20)
        say("CPU of the relay in 20 s beside the queue, seconds", f"{cpu_seconds(mesh, 'outbound_relay') - used:.2f}")
        started = time.monotonic()
        mesh.run("queue", "hold", "--sender", "nobody@nowhere.test", check=False)
        say("a selection over the whole queue, seconds", f"{time.monotonic() - started:.2f}")
        say("memory afterwards, KiB", memory_kib(mesh, "outbound_relay"))
        started = time.monotonic()
        mesh.kill_role("outbound_relay")
        wait_until(lambda: mesh.log().count("queue opened") >= 3, "the relay is back after kill -9", 120)
        say("kill -9 until the queue was read again, seconds", f"{time.monotonic() - started:.2f}")


if __name__ == "__main__":
    main()
