"""Phase 5: a second shard comes, gets the new accounts and their mail, and may go only when it is empty: the real hook refuses before."""
import collections
import json
import time

from tests.kubernetes import install, mail
from tests.kubernetes.release import (DOMAIN, NAMESPACE, PASSWORD, RELEASE, ROLES, Failed, component_of, get, kubectl, pods, tool,
                                      wait_all_ready, wait_ready, workload)

NEW = [f"second{number}@{DOMAIN}" for number in range(2)]


def shard_of_accounts():
    """{address: shard}, as an operator sees it."""
    return {account["address"]: account["shard"] for account in json.loads(tool("account", "list", "-o", "json"))}


def create(address):
    tool("account", "create", address, "--password-stdin", input=PASSWORD + "\n")


def delete(*addresses):
    for address in addresses:
        tool("account", "delete", address)


def expect(holds, text):
    if not holds:
        raise Failed(text)


def upgrade(shards, check=True):
    """(what helm said, seconds)"""
    began = time.monotonic()
    done = install.upgrade("--set", f"mailboxStore.shards={shards}", check=check)
    if done.returncode == 0:
        wait_ready("mailbox-store", shards)
        wait_all_ready()
    return done, time.monotonic() - began


def mail_flows(*addresses):
    with mail.Users() as users:
        for address in addresses:
            users.comes_in(address)


def grows():
    _, seconds = upgrade(2)
    for address in NEW:
        create(address)
    placed = shard_of_accounts()
    count = collections.Counter(placed.values())
    expect(all(placed[address] == "1" for address in NEW), f"new accounts are not on the emptiest shard: {placed}")
    print(f"  1 -> 2 shards after {seconds:.0f} s; {len(NEW)} new accounts are on shard 1, {count['0']} on shard 0", flush=True)
    mail_flows(NEW[0], f"user0@{DOMAIN}")
    print("  mail to accounts of both shards: ok", flush=True)


def pods_of_roles():
    return {pod["metadata"]["uid"] for pod in pods() if component_of(pod) in ROLES}


def is_refused():
    before = pods_of_roles()
    done, seconds = upgrade(1, check=False)
    expect(done.returncode != 0, "the release became smaller while shard 1 has accounts")
    said = done.stdout + done.stderr
    expect("pre-upgrade hooks failed" in said, f"helm upgrade failed otherwise: {said}")
    help_text = kubectl("-n", NAMESPACE, "logs", f"job/{RELEASE}-scale-guard")
    for words in (f"{len(NEW)} accounts", "mailmesh account list", "mailmesh export", "mailmesh account delete"):
        expect(words in help_text, f"the guard does not say {words!r}: {help_text}")
    print(f"  2 -> 1 is refused after {seconds:.0f} s; the guard:")
    for line in help_text.strip().splitlines():
        print(f"    {line}", flush=True)
    # The release is as it was, and goes on.
    expect(pods_of_roles() == before, "a refused upgrade touched pods")
    mail_flows(NEW[1])
    print("  mail to shard 1 after the refusal: ok", flush=True)


def shrinks():
    delete(*NEW)
    _, seconds = upgrade(1)
    expect(get("-n", NAMESPACE, workload("mailbox-store"))["spec"]["replicas"] == 1, "there are still more shards")
    create(NEW[0])
    shard = shard_of_accounts()[NEW[0]]
    expect(shard == "0", f"a new account is on shard {shard}, which has gone")
    mail_flows(NEW[0])
    delete(NEW[0])
    print(f"  its accounts deleted, 2 -> 1 shards after {seconds:.0f} s; a new account is on shard 0 and gets mail", flush=True)


def main():
    # Those of a run that broke off.
    delete(*(address for address in shard_of_accounts() if address in NEW))
    grows()
    is_refused()
    shrinks()
