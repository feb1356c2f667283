"""Real messages for the tests: those of Python's own e-mail test suite, and real-world MIME written for this.

Every message here is octets with CRLF line ends, as SMTP carries them."""
import base64
import pathlib
import random

PYTHON_SUITE = pathlib.Path("/usr/lib/python3.11/test/test_email/data")


def with_crlf(octets):
    """Bare LF and bare CR become CRLF: what a client has to do before it may send (RFC 5321, 2.3.8)."""
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def python_suite():
    """{name: octets} of the messages of package libpython3.11-testsuite, read where it is installed; {} without it."""
    found = {}
    for path in sorted(PYTHON_SUITE.glob("msg_*.txt")):
        octets = with_crlf(path.read_bytes())
        found[path.stem] = octets if octets.endswith(b"\r\n") else octets + b"\r\n"
    return found


def _header(subject, *more):
    lines = ["From: Anna Example <anna@a.test>", "To: Bert Example <bert@b.test>", f"Subject: {subject}",
             "Date: Mon, 02 Mar 2026 10:00:00 +0100", *more]
    return "\r\n".join(lines).encode() + b"\r\n"


def nested_multiparts():
    return _header("nested", "Message-ID: <nested@a.test>", "MIME-Version: 1.0",
                   'Content-Type: multipart/mixed; boundary="outer"') + (
        b"\r\npreamble\r\n--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n"
        b"--inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nplain\r\n"
        b"--inner\r\nContent-Type: multipart/related; boundary=\"inner-2\"\r\n\r\n"
        b"--inner-2\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"<p>caf=C3=A9</p>\r\n--inner-2\r\nContent-Type: image/png\r\nContent-ID: <pic@a.test>\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--inner-2--\r\n--inner--\r\n"
        b"--outer\r\nContent-Type: message/rfc822\r\n\r\nFrom: x@y.test\r\nSubject: forwarded\r\n\r\nhello\r\n"
        b"--outer--\r\nepilogue\r\n")


def eight_bit():
    return _header("8-bit", "MIME-Version: 1.0", "Content-Type: text/plain; charset=iso-8859-1",
                   "Content-Transfer-Encoding: 8bit") + b"\r\n" + bytes(range(0xA0, 0x100)) + b"\r\n\xff\xfe\r\n"


def utf8_header():
    return ("From: Änne <änne@a.test>\r\nTo: bert@b.test\r\nSubject: Grüße aus Köln \N{PILE OF POO}\r\n"
            "Date: Mon, 02 Mar 2026 10:00:00 +0100\r\n\r\nZeile mit Umlaut: ü\r\n").encode()


def empty_body():
    return _header("empty body") + b"\r\n"


def header_only():
    return _header("no blank line")


def odd_headers():
    return (b"Received: from somewhere\r\n\tby elsewhere; Mon, 02 Mar 2026 09:00:00 +0100\r\n"
            b"subject:no space\r\nX-Empty:\r\nX-Folded: one\r\n two\r\n\tthree\r\nFROM: <anna@a.test>\r\n"
            b"X-Long: " + b"x" * 900 + b"\r\nDate: yesterday\r\nMessage-ID: broken <a@b> <c@d>\r\nTo: undisclosed-recipients:;\r\n"
            b"X-8bit: \xe4\xf6\xfc\r\n\r\n.\r\n..\r\n.dot\r\n\r\n\r\ntrailing  \r\n")


def dots_and_long_lines():
    return _header("dots") + b"\r\n" + b".\r\n..\r\n...\r\n" + b"y" * 990 + b"\r\n.end\r\n"


def attachment(megabytes=20):
    content = random.Random(5).randbytes(megabytes * 1024 * 1024 * 3 // 4)
    return _header("attachment", "MIME-Version: 1.0", "Content-Type: application/octet-stream; name=big.bin",
                   "Content-Transfer-Encoding: base64", "Content-Disposition: attachment; filename=big.bin") + (
        b"\r\n" + with_crlf(base64.encodebytes(content)))


def real_world():
    """{name: octets} of what was written for this."""
    return {f.__name__: f() for f in (nested_multiparts, eight_bit, utf8_header, empty_body, header_only, odd_headers,
                                      dots_and_long_lines, attachment)}


def simple(subject, size=200, sender="anna@a.test", to="bert@a.test"):
    """A small valid message with this subject, filled up to about `size` octets."""
    head = (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@test>\r\n"
            f"Date: Mon, 02 Mar 2026 10:00:00 +0100\r\n\r\n").encode()
    line = b"The quick brown fox jumps over the lazy dog, again and again and again.\r\n"
    return head + line * max(1, (size - len(head)) // len(line))
