"""Free TCP ports on 127.0.0.1, for programs that cannot be told to let the system choose."""
import random
import socket
import time


def free_ports(count):
    """`count` different ports that nobody listens on at this moment."""
    sockets = []
    for _ in range(count):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        sockets.append(s)
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def port_base():
    """A base for `mailmesh up --port-base` for a mesh that has to come back on its ports: all of them are free, and none is
    one that the system gives to outgoing connections (32768 and above)."""
    while True:
        base = random.randrange(10000, 23000)
        sockets = []
        try:
            for offset in (24, 25, 110, 143, 465, 587, 993, 995, *range(9101, 9162, 10)):
                sockets.append(socket.create_server(("127.0.0.1", base + offset)))
            return base
        except OSError:
            continue
        finally:
            for s in sockets:
                s.close()


def wait_for_port(port, seconds=30, address="127.0.0.1"):
    """Returns when something accepts on address:port; raises TimeoutError otherwise."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {address}:{port} after {seconds} s")


def wait_until(condition, what, seconds=30, step=0.05):
    """Calls `condition` until it answers something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not after {seconds} s")
        time.sleep(step)
