"""Programs that fetch and read mail: curl, fetchmail, getmail, mutt, Python's imaplib and poplib. With TLS, verified."""
import poplib
import unittest

from tests.support import messages
from tests.support.clients import PASSWORD, ClientTest, program


class Reading(ClientTest):
    USERS = ("curl", "fetchmail", "getmail", "mutt", "python", "other")

    @program("curl")
    def test_curl(self):
        for number in range(3):
            self.deliver("curl@a.test", messages.simple(f"curl-{number}"))
        curl = ["curl", "-sS", "--cacert", self.mesh.ca, "--user", f"curl@a.test:{PASSWORD}"]
        imap, pop = f"imaps://127.0.0.1:{self.mesh.port('imaps')}", f"pop3s://127.0.0.1:{self.mesh.port('pop3s')}"
        self.assertIn("INBOX", self.sh(*curl, f"{imap}/"))
        self.assertIn("Subject: curl-1", self.sh(*curl, f"{imap}/INBOX;UID=2"))
        self.assertIn("Subject: curl-0", self.sh(*curl, f"{imap}/INBOX;MAILINDEX=1;SECTION=HEADER.FIELDS%20(Subject)"))
        self.assertIn("* SEARCH 3", self.sh(*curl, f"{imap}/INBOX?SUBJECT%20curl-2"))
        self.sh(*curl, f"{imap}/INBOX", "-X", "STORE 1 +FLAGS.SILENT \\Deleted")
        self.assertIn("* 1 EXPUNGE", self.sh(*curl, f"{imap}/INBOX", "-X", "EXPUNGE"))
        self.sh(*curl, "--upload-file", self.file("up.eml", messages.simple("uploaded")), f"{imap}/INBOX")
        self.sh(*curl, "--ssl-reqd", f"imap://127.0.0.1:{self.mesh.port('imap')}/INBOX", "-X", "NOOP")
        self.assertRegex(self.sh(*curl, f"{pop}/"), r"3 \d+")
        self.assertIn("Subject: uploaded", self.sh(*curl, f"{pop}/3"))
        self.sh(*curl, f"{pop}/3", "-X", "DELE", "--list-only")
        self.assertRegex(self.sh(*curl, "--ssl-reqd", f"pop3://127.0.0.1:{self.mesh.port('pop3')}/", "-X", "UIDL"), r"1 \S+")
        self.assertEqual(self.subjects("curl"), ["curl-1", "curl-2"])

    @program("fetchmail")
    def test_fetchmail_by_pop3_and_imap(self):
        for protocol, port in (("pop3", "pop3s"), ("imap", "imaps")):
            for number in range(3):
                self.deliver("fetchmail@a.test", messages.simple(f"fetchmail-{protocol}-{number}"))
            config = self.file("fetchmailrc", f"""poll 127.0.0.1 service {self.mesh.port(port)} protocol {protocol}
  user "fetchmail@a.test" password "{PASSWORD}" ssl sslproto "TLS1.2+" sslcommonname "localhost" sslcertck sslcertfile "{self.mesh.ca}"
  mda "cat >> {self.scratch}/fetched-{protocol}" fetchall nokeep
""")
            fetchmail = ["fetchmail", "-f", config, "--nodetach", "--nosyslog", "--idfile", self.scratch / "ids", "--pidfile",
                         self.scratch / "pid"]
            self.sh(*fetchmail, env={"FETCHMAILHOME": str(self.scratch)})
            for number in range(3):
                self.assertIn(f"Subject: fetchmail-{protocol}-{number}".encode(), (self.scratch / f"fetched-{protocol}").read_bytes())
            self.sh(*fetchmail, env={"FETCHMAILHOME": str(self.scratch)}, code=1)  # nothing new
        self.assertEqual(self.subjects("fetchmail"), [])

    @program("getmail")
    def test_getmail_by_pop3_and_imap(self):
        for retriever, port in (("SimplePOP3SSLRetriever", "pop3s"), ("SimpleIMAPSSLRetriever", "imaps")):
            self.deliver("getmail@a.test", messages.simple(f"getmail-{port}"))
            fetched = self.scratch / f"fetched-{port}"
            config = self.file(f"getmailrc-{port}", f"""[retriever]
type = {retriever}
server = 127.0.0.1
port = {self.mesh.port(port)}
username = getmail@a.test
password = {PASSWORD}
ca_certs = {self.mesh.ca}

[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >> {fetched}")
allow_root_commands = true

[options]
read_all = false
delete = {"true" if port == "imaps" else "false"}
""")
            getmail = ["getmail", "--getmaildir", self.scratch, "--rcfile", config]
            self.sh(*getmail)
            octets = fetched.read_bytes()
            self.assertIn(f"Subject: getmail-{port}".encode(), octets)
            self.sh(*getmail)  # it knows what it has: UIDL, and UIDVALIDITY with UID, stay
            self.assertEqual(fetched.read_bytes(), octets)
        self.assertEqual(self.subjects("getmail"), [])

    @program("mutt")
    def test_mutt_moves_and_marks(self):
        for number in range(3):
            self.deliver("mutt@a.test", messages.simple(f"mutt-{number}"))
        config = self.file("muttrc", f"""set folder = "imaps://127.0.0.1:{self.mesh.port("imaps")}/"
set imap_user = "mutt@a.test"
set imap_pass = "{PASSWORD}"
set ssl_ca_certificates_file = "{self.mesh.ca}"
set spoolfile = "+INBOX"
set confirmappend = no
set confirmcreate = no
set delete = yes
set wait_key = no
push "<tag-pattern>~s mutt-1<enter><tag-prefix><save-message>=kept<enter><flag-message><sync-mailbox><exit>"
""")
        # It wants a terminal, and gets its keys from `push`.
        self.sh("script", "-qec", f"mutt -F {config}", "/dev/null", env={"TERM": "xterm"}, show=0)
        self.assertEqual(self.subjects("mutt", "kept"), ["mutt-1"])
        self.assertEqual(self.subjects("mutt"), ["mutt-0", "mutt-2"])

    def test_python_imaplib_and_poplib(self):
        for text in (messages.nested_multiparts(), messages.eight_bit()):
            self.deliver("python@a.test", text)
        client = self.imap("python")
        stored = [client.fetch(n, "(BODY.PEEK[])")[1][0][1] for n in "12"]
        self.assertEqual(client.create("copies")[0], "OK")
        self.assertEqual(client.copy("1:2", "copies")[0], "OK")
        self.assertEqual(client.store("1", "+FLAGS", r"(\Deleted)")[0], "OK")
        self.assertEqual(client.expunge()[1], [b"1"])
        pop = poplib.POP3("127.0.0.1", self.mesh.port("pop3"))
        pop.stls(context=self.mesh.tls_context())
        pop.user("python@a.test")
        pop.pass_(PASSWORD)
        self.assertEqual(pop.stat(), (1, len(stored[1])))
        self.assertEqual(b"\r\n".join(pop.retr(1)[1]) + b"\r\n", stored[1])
        pop.dele(1)
        pop.quit()
        self.assertEqual(self.subjects("python"), [])
        self.assertEqual(len(self.subjects("python", "copies")), 2)
        print(f"\n    imaplib and poplib: {len(stored)} messages, octets equal over both")


if __name__ == "__main__":
    unittest.main()
