"""Clients that send an octet now and then."""
import time


def drip(connection, octets, seconds=15, every=0.2):
    """Sends `octets`, again and again one after the other, until the server closes or `seconds` are over. Gives what the
    server said and how long it went on."""
    begin = time.monotonic()
    said = b""
    connection.settimeout(every)
    try:
        while time.monotonic() - begin < seconds:
            for octet in octets:
                connection.sendall(bytes((octet,)))
                try:
                    got = connection.recv(4096)
                except TimeoutError:
                    continue
                if not got:
                    return said, time.monotonic() - begin
                said += got
    except OSError:
        pass
    return said, time.monotonic() - begin
