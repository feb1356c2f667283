"""Messages for the comparison: real ones, deeply nested ones, damaged ones, and forms of addresses."""
from tests.support import messages


def mail(*lines, body=""):
    return ("\r\n".join(lines) + "\r\n\r\n" + body.replace("\n", "\r\n")).encode("utf-8")


def multipart(body, content_type="multipart/mixed; boundary=b", *more):
    return mail("From: a@a.test", "Subject: s", "MIME-Version: 1.0", f"Content-Type: {content_type}", *more, body=body)


# One From field each.
ADDRESSES = {
    "plain": "anna@a.test",
    "angle": "<anna@a.test>",
    "name": "Anna Example <anna@a.test>",
    "quoted_name": '"Example, Anna" <anna@a.test>',
    "escaped_quote": '"Anna \\"the\\" Example" <anna@a.test>',
    "comment_name": "anna@a.test (Anna Example)",
    "comments_everywhere": "(a) Anna (b) <(c) anna (d) @ (e) a.test (f)> (g)",
    "nested_comment": "anna@a.test (Anna (the (real) one))",
    "list": "anna@a.test, Bert <bert@b.test>,carl@c.test",
    "empty_list_members": ",anna@a.test,, bert@b.test,",
    "group": "Friends: anna@a.test, Bert <bert@b.test>;",
    "empty_group": "undisclosed-recipients:;",
    "group_then_address": "Friends: anna@a.test;, carl@c.test",
    "group_not_closed": "Friends: anna@a.test",
    "route": "<@x.test,@y.test:anna@a.test>",
    "no_domain": "anna",
    "no_domain_angle": "Anna <anna>",
    "no_local": "<@a.test>",
    "empty": "",
    "empty_angle": "<>",
    "name_only": "Anna Example",
    "quoted_local": '"anna example"@a.test',
    "quoted_local_dot": '"a.b"@a.test',
    "dots": "a..b.@a.test",
    "domain_literal": "anna@[127.0.0.1]",
    "spaces": "anna . e @ a . test",
    "encoded_word": "=?iso-8859-1?Q?=C4nne?= <anna@a.test>",
    "encoded_word_two": "=?utf-8?Q?An?= =?utf-8?Q?na?= <anna@a.test>",
    "encoded_in_quotes": '"=?utf-8?Q?Anna?=" <anna@a.test>',
    "raw_utf8": "Änne <änne@a.test>",
    "two_at": "anna@b@a.test",
    "unclosed_quote": '"Anna <anna@a.test>',
    "unclosed_angle": "Anna <anna@a.test",
    "unclosed_comment": "anna@a.test (Anna",
    "semicolon": "anna@a.test; bert@b.test",
    "folded": "Anna\r\n Example\r\n\t<anna@a.test>",
    "dot_in_name": "Anna B. Example <anna@a.test>",
    "at_in_name": "anna@x.test <anna@a.test>",
    "backslash": "anna\\@a.test",
    "many": ", ".join(f"user{i}@a.test" for i in range(50)),
    "long_name": "N" * 900 + " <anna@a.test>",
}


def nested(depth, inner="text/plain", end="innermost\n"):
    head = tail = ""
    for level in range(depth):
        head += f"Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"
        tail = f"\n--b{level}--\n" + tail
    body = head.split("\n\n", 1)[1] + f"Content-Type: {inner}\n\n{end}" + tail
    return multipart(body, "multipart/mixed; boundary=b0")


def forwarded(depth):
    body = ""
    for level in range(depth):
        body += f"From: f{level}@f.test\nSubject: level {level}\n" + (
            "Content-Type: message/rfc822\n\n" if level < depth - 1 else "Content-Type: text/plain\n\ndeepest\n")
    return mail("From: a@a.test", "Subject: s", "Content-Type: message/rfc822", body=body)


def wide(count):
    return multipart("".join(f"--b\nContent-Type: text/plain\n\npart {i}\n" for i in range(count)) + "--b--\n")


MIME = {
    "nested_10": nested(10),
    "nested_60": nested(60),
    "forwarded_5": forwarded(5),
    "wide_100": wide(100),
    "no_end_boundary": multipart("--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n"),
    "no_boundary_at_all": multipart("just text\n"),
    "no_boundary_parameter": multipart("--b\n\none\n--b--\n", "multipart/mixed"),
    "empty_boundary": multipart("--\n\none\n----\n", 'multipart/mixed; boundary=""'),
    "boundary_spaces": multipart("--a b\n\none\n--a b--\n", 'multipart/mixed; boundary="a b "'),
    "boundary_with_trailing_space": multipart("--b \n\none\n--b-- \n"),
    "boundary_prefix": multipart("--b\n\none\n--bb\n\ntwo\n--b--\n"),
    "inner_boundary_prefix_of_outer": multipart(
        "--bb\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n--bb\n\ntwo\n--bb--\n", "multipart/mixed; boundary=bb"),
    "inner_not_closed": multipart(
        "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\none\n--b\n\ntwo\n--b--\n"),
    "same_boundary_inside": multipart(
        "--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\nrest\n--b--\n"),
    "empty_parts": multipart("--b\n--b\n\n--b--\n"),
    "only_end": multipart("--b--\n"),
    "text_after_end": multipart("--b\n\none\n--b--\nepilogue\n--b\n\nnot a part\n"),
    "digest": multipart("--b\n\nSubject: d1\n\none\n--b\nContent-Type: text/plain\n\ntwo\n--b--\n", "multipart/digest; boundary=b"),
    "no_blank_line_in_part": multipart("--b\nContent-Type: text/plain\n--b--\n"),
    "part_without_header": multipart("--b\n\ntext\n--b--\n"),
    "header_ends_at_boundary": multipart("--b\nX-A: 1\n--b\n\ntwo\n--b--\n"),
    "rfc822_empty": mail("From: a@a.test", "Content-Type: message/rfc822", body=""),
    "rfc822_base64": mail("From: a@a.test", "Content-Type: message/rfc822", "Content-Transfer-Encoding: base64",
                          body="U3ViamVjdDogeA0KDQp0ZXh0DQo=\n"),
    "rfc822_in_parts": multipart(
        "--b\nContent-Type: message/rfc822\n\nSubject: in\nContent-Type: multipart/mixed; boundary=c\n\n"
        "--c\n\none\n--c\nContent-Type: message/rfc822\n\nSubject: deeper\n\ntext\n--c--\n--b--\n"),
    "delivery_status": multipart(
        "--b\n\nfailed\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a.test\n\nFinal-Recipient: rfc822; b@b.test\n"
        "\n--b\nContent-Type: text/rfc822-headers\n\nSubject: x\n\n--b--\n", 'multipart/report; report-type="delivery-status"; boundary=b'),
    "partial": mail("From: a@a.test", 'Content-Type: message/partial; id="x"; number=1; total=2', body="part\n"),
    "parameters_2231": mail("From: a@a.test", "Content-Type: text/plain; charset=utf-8; name*0*=utf-8''a%C3%A4; name*1=b",
                            "Content-Disposition: attachment; filename*=utf-8''%e4.txt", body="text\n"),
    "parameters_odd": mail("From: a@a.test", 'Content-Type: text/plain; charset="us-ascii"; name=a b c; x; =y; z=', body="text\n"),
    "parameter_twice": mail("From: a@a.test", "Content-Type: text/plain; charset=a; charset=b", body="text\n"),
    "type_without_subtype": mail("From: a@a.test", "Content-Type: text", body="text\n"),
    "type_empty": mail("From: a@a.test", "Content-Type: ", body="text\n"),
    "type_odd": mail("From: a@a.test", "Content-Type: te xt/pl ain; a=b", body="text\n"),
    "type_twice": mail("From: a@a.test", "Content-Type: text/html", "Content-Type: text/plain", body="text\n"),
    "type_comments": mail("From: a@a.test", "Content-Type: text (a) / (b) html (c) ; (d) charset (e) = (f) x (g)", body="text\n"),
    "type_upper": mail("From: a@a.test", "Content-Type: TEXT/HTML; CHARSET=UTF-8", "Content-Transfer-Encoding: QUOTED-PRINTABLE",
                       body="text\n"),
    "encoding_odd": mail("From: a@a.test", "Content-Type: text/plain", "Content-Transfer-Encoding: x odd", body="text\n"),
    "id_description_language": mail("From: a@a.test", "Content-Type: text/plain", "Content-ID: <id@a.test>",
                                    "Content-Description: what it is (a comment)", "Content-Language: de, en",
                                    "Content-Location: http://a.test/x", "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==", body="text\n"),
    "description_encoded": mail("From: a@a.test", "Content-Description: =?utf-8?Q?=C3=A4?=", body="text\n"),
    "disposition_odd": mail("From: a@a.test", "Content-Disposition: ; filename=x", body="text\n"),
    "no_mime_version": mail("From: a@a.test", "Content-Type: text/html", body="<p>\n"),
    "body_without_line_end": mail("From: a@a.test", body="no line end"),
    "only_line_ends": mail("From: a@a.test", body="\n\n\n"),
    "subject_folded": mail("From: a@a.test", "Subject: one\r\n two\r\n\tthree", body="x\n"),
    "subject_empty": mail("From: a@a.test", "Subject:", body="x\n"),
    "subject_spaces": mail("From: a@a.test", "Subject:   spaced   out   ", body="x\n"),
    "subject_quotes": mail("From: a@a.test", 'Subject: with "quotes" and \\ backslash', body="x\n"),
    "subject_twice": mail("From: a@a.test", "Subject: one", "Subject: two", body="x\n"),
    "subject_utf8": mail("From: a@a.test", "Subject: Grüße", body="x\n"),
    "date_odd": mail("From: a@a.test", "Date: yesterday, at noon", body="x\n"),
    "date_folded": mail("From: a@a.test", "Date: Mon,\r\n 02 Mar 2026 10:00:00 +0100 (CET)", body="x\n"),
    "ids": mail("From: a@a.test", "Message-ID: <a@b> <c@d>", "In-Reply-To: not an id <x@y>", body="x\n"),
    "id_folded": mail("From: a@a.test", "Message-ID:\r\n <a@b>", "In-Reply-To: <x@y>\r\n\t<z@z>", body="x\n"),
    "sender_reply_to": mail("From: a@a.test", "Sender: s@a.test", "Reply-To: r@a.test", "To: t@a.test", "Cc: c@a.test", "Bcc: b@a.test",
                            body="x\n"),
    "sender_empty": mail("From: a@a.test", "Sender:", "Reply-To:", body="x\n"),
    "from_twice": mail("From: a@a.test", "From: b@a.test", body="x\n"),
    "to_twice": mail("From: a@a.test", "To: t@a.test", "To: u@a.test", body="x\n"),
    "no_header": b"\r\njust a body\r\n",
    "not_a_header": b"this is no header\r\nFrom: a@a.test\r\n\r\nbody\r\n",
    "space_before_colon": b"From : a@a.test\r\nSubject \t: s\r\n\r\nbody\r\n",
    "line_without_colon": b"From: a@a.test\r\nnothing\r\nSubject: s\r\n\r\nbody\r\n",
    "starts_with_space": b" folded at once\r\nFrom: a@a.test\r\n\r\nbody\r\n",
    "from_line": b"From a@a.test Mon Mar  2 10:00:00 2026\r\nFrom: a@a.test\r\n\r\nbody\r\n",
    "long_header": b"From: a@a.test\r\nX-Long: " + b"x" * 20000 + b"\r\nSubject: after\r\n\r\nbody\r\n",
    "long_line": b"From: a@a.test\r\n\r\n" + b"y" * 70000 + b"\r\n",
    "many_fields": b"From: a@a.test\r\n" + b"".join(b"X-%d: %d\r\n" % (i, i) for i in range(500)) + b"\r\nbody\r\n",
}


def all_messages():
    """{name: octets}"""
    found = dict(messages.python_suite())
    found |= {name: octets for name, octets in messages.real_world().items() if name != "attachment"}
    found |= {"address_" + name: mail(f"From: {text}", "To: to@a.test", "Subject: s", body="x\n") for name, text in ADDRESSES.items()}
    return found | {"mime_" + name: octets for name, octets in MIME.items()}
