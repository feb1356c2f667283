"""What all clients of the population have in common: a thread that works until told to stop, with its own random numbers."""
import random
import threading
import time

from tests.durability.wire import Lost

PASSWORD = "correct horse"
DOMAIN = "a.test"


class Client(threading.Thread):
    def __init__(self, name, site, ledger, pause):
        super().__init__(daemon=True, name=name)
        self.site, self.ledger, self.pause = site, ledger, pause
        self.random = random.Random(f"{ledger.seed} {name}")
        self.stopped = threading.Event()
        self.client = None  # its connection, where it keeps one

    def run(self):
        while not self.stopped.is_set():
            try:
                self.work()
            except Lost:
                self.lost()
                self.stopped.wait(0.2)
            except Exception as error:  # a mistake of the test: it must not look like a quiet client
                self.ledger.fault(f"{self.name}: {type(error).__name__}: {error}")
                raise
            self.stopped.wait(self.pause * self.random.uniform(0.2, 1.8))
        self.leave()

    def work(self):
        """One thing that a client does. Lost: it connects anew the next time."""
        raise NotImplementedError

    def lost(self):
        if self.client is not None:
            self.client.close()
        self.client = None

    leave = lost

    def size(self):
        """1 KiB to 2 MiB, mostly small."""
        dice = self.random.random()
        if dice < 0.85:
            return self.random.randrange(1 << 10, 8 << 10)
        if dice < 0.98:
            return self.random.randrange(8 << 10, 200 << 10)
        return self.random.randrange(200 << 10, 2 << 20)

    def later(self, seconds):
        return time.monotonic() + seconds
