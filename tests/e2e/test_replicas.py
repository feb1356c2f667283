"""Three replicas of each gateway behind one port each, under load: all are used; one that is drained cuts nothing; one that is killed
takes its own connections along and nothing else; one that comes back is used again."""
import os
import signal
import smtplib
import socket
import unittest

from tests.e2e.test_kill import subjects
from tests.support import messages, steady
from tests.support.mesh import Mesh
from tests.support.ports import wait_until

PASSWORD = "correct horse"
REPLICAS = 3
CLIENTS = 8  # of each protocol
ROUNDS = 2  # of drains
KINDS = {"smtp_ingress": steady.Smtp, "imap_gateway": steady.Imap, "pop3_gateway": steady.Pop3}


def instances(role):
    return [role if number == 0 else f"{role}.{number}" for number in range(REPLICAS)]


class Replicas(unittest.TestCase):
    def setUp(self):
        counts = ", ".join(f"{role}: {REPLICAS}" for role in KINDS)
        self.mesh = self.enterContext(Mesh(f"replicas: {{{counts}, outbound_relay: 2, mailbox_store: 2}}\n"
                                           "directory: {argon2_memory_kib: 8192, argon2_passes: 1, scram_iterations: 4096}\n"))
        self.mesh.run("domain", "add", "a.test")
        self.clients = {role: [] for role in KINDS}
        self.mesh.add_account(steady.RECIPIENT, PASSWORD)
        for number in range(CLIENTS):
            self.clients["smtp_ingress"].append(steady.Smtp(self.mesh, f"smtp{number}"))
            for role, kind in (("imap_gateway", "imap"), ("pop3_gateway", "pop3")):
                user = f"{kind}{number}@a.test"
                self.mesh.add_account(user, PASSWORD)
                self.clients[role].append(KINDS[role](self.mesh, f"{kind}{number}", user, PASSWORD))
        users = [client.user for client in self.clients["pop3_gateway"]]
        with smtplib.SMTP(*self.mesh.address("mx")) as smtp:
            self.assertEqual(smtp.sendmail("x@elsewhere.test", users, messages.simple("first", 20_000)), {})

    def all_clients(self):
        return [client for clients in self.clients.values() for client in clients]

    def count(self, role, what):
        """Of all clients of a role: how many of these."""
        return sum(len(value) if isinstance(value := getattr(client, what), list) else value for client in self.clients[role])

    def wait_work(self, role, more=30):
        before = self.count(role, "sessions")
        wait_until(lambda: self.count(role, "sessions") >= before + more, f"sessions of {role}", 60)

    def taken(self, instance):
        return self.mesh.metric(instance, "mailmesh_listener_accepted_total")

    def end(self, instance, how):
        """Ends an instance, which the supervisor starts again; SIGKILL: gives the ports of the clients that it was serving."""
        process = self.mesh.process_id(instance)
        served = set()
        if how == signal.SIGKILL:
            # Stopped first, so that it can be seen whom it serves. The others take whoever comes now.
            os.kill(process, signal.SIGSTOP)
            served = steady.ports_served_by(process)
            with socket.create_connection(self.mesh.address(KINDS[instance.split(".")[0]].endpoint), 30) as new:
                self.assertTrue(new.recv(1))
        os.kill(process, how)
        wait_until(lambda: not os.path.exists(f"/proc/{process}"), f"{instance} ends", 30)
        return served

    def back(self, instance):
        """The new process is used."""
        def used():
            try:
                return self.taken(instance) > 0
            except OSError:
                return False  # it starts

        wait_until(used, f"{instance} is used again", 60)

    def test_drained_and_killed_under_load(self):
        for client in self.all_clients():
            client.start()
        self.addCleanup(lambda: [client.stop() for client in self.all_clients()])
        table = []
        for role in KINDS:
            self.wait_work(role)
            shares = [self.taken(instance) for instance in instances(role)]
            self.assertGreater(min(shares), 0, f"{role}: connections of each replica: {shares}")
            for instance in ROUNDS * instances(role):
                self.wait_work(role)
                self.end(instance, signal.SIGTERM)
                self.back(instance)
            told = self.count(role, "told")
            # Not even one that came while the process closed.
            self.assertEqual([client.cut for client in self.clients[role] if client.cut], [], role)
            served = self.end(instances(role)[1], signal.SIGKILL)
            self.back(instances(role)[1])
            self.wait_work(role)
            cut = [entry for client in self.clients[role] for entry in client.cut]
            self.assertLessEqual({port for port, _ in cut}, served, cut)
            table.append((role, shares, told, len(cut), len(served)))
        for client in self.all_clients():
            client.stop()
        for client in self.all_clients():
            client.join(60)
        self.compare()
        for role, shares, told, cut, served in table:
            acknowledged = self.count(role, "done")
            print(f"\n    {role}: connections by replica {[int(share) for share in shares]}; {acknowledged} done; {ROUNDS * REPLICAS} drains: {told} "
                  f"told between transactions, 0 cut; 1 kill: {cut} cut of {served} served there", end="")
        print(flush=True)

    def compare(self):
        """Whatever was not cut by the kill was as it should be, and what was acknowledged is there, once."""
        for client in self.all_clients():
            self.assertEqual(client.refused, 0, client.name)
            # After its gateway was killed, a maildrop is locked until its lease ends.
            other = {line: count for line, count in client.other.items() if "[IN-USE]" not in line}
            self.assertEqual(other, {}, client.name)
        self.mesh.run("queue", "flush")
        wait_until(lambda: not self.mesh.json("queue", "list"), "the queue is empty", 60)
        for user, senders in [("smtp", self.clients["smtp_ingress"])] + [
                (client.user.split("@")[0], [client]) for client in self.clients["imap_gateway"]]:
            found = subjects(self.mesh, user)
            acknowledged = {subject for client in senders for subject in client.done}
            self.assertEqual({subject: found[subject] for subject in acknowledged if found[subject] != 1}, {}, user)
            self.assertEqual({subject: count for subject, count in found.items() if count > 1}, {}, user)


if __name__ == "__main__":
    unittest.main()
