"""Postfix and Dovecot as other sites' servers: in a root of their own, in mount and pid namespaces of their own.

Nothing of them is installed on or stays on this machine: when the test's process ends, the namespaces' processes are
killed. Raises `Unavailable` where this cannot be done (no root), so that a test can be skipped by name.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile

from tests.support.ports import free_ports, wait_for_port

# The services of a site, and where others expect them.
PORTS = {"smtp": 25, "lmtp": 24, "imap": 143, "pop3": 110, "imaps": 993, "pop3s": 995, "smtps": 465}

PROJECT = pathlib.Path(__file__).resolve().parents[2]
ROOT = PROJECT / "build/peers/root"


class Unavailable(Exception):
    """The peers' root cannot be made or entered here."""


def require_root(name="root"):
    """Makes the peers' root of this name if it is not there."""
    done = subprocess.run([PROJECT / "tests/support/peers-root", name], capture_output=True, text=True)
    if done.returncode == 77:
        raise Unavailable(done.stderr.strip())
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


class Site:
    """One site with Postfix (SMTP) and Dovecot (LMTP, IMAP, POP3), all on one address.

    address: with another than 127.0.0.1, each service is on its well-known port.
    domains: those it stores mail for; each of `users` exists in each, with password `password`.
    routes: {domain: (host, port)} for mail that it sends on.
    tls: (certificate, key, ca) paths, or None for a site without TLS.
    keep_octets: Dovecot stores messages with the line ends that they came with, mailboxes under any name.
    postfix, dovecot: more settings for its main.cf, more text for its dovecot.conf.
    log_in: the mechanisms by which Postfix lets its users log in, checked by Dovecot, over TLS; it relays and takes no mail
    without.
    """

    def __init__(self, domains, routes=None, tls=None, password="peer-secret", size_limit=0, drop_headers="",
                 users=("anna", "bert"), keep_octets=False, postfix=None, log_in="", dovecot="",
                 address="127.0.0.1"):
        require_root()
        self.address = address
        self.users = users
        self.domains = domains
        self.password = password
        ports = dict(zip(PORTS, free_ports(len(PORTS)))) if address == "127.0.0.1" else PORTS
        self.smtp_port, self.lmtp_port, self.imap_port, self.pop3_port = (ports[s] for s in ("smtp", "lmtp", "imap", "pop3"))
        self.imaps_port, self.pop3s_port, self.smtps_port = (ports[s] for s in ("imaps", "pop3s", "smtps"))
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="peer-", dir=PROJECT / "build/peers"))
        if log_in:
            postfix = {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/auth",
                       "smtpd_tls_auth_only": "yes", "smtpd_client_restrictions": "permit_sasl_authenticated, reject",
                       "mynetworks": ""} | (postfix or {})
        self._write_postfix(routes or {}, tls, size_limit, drop_headers, postfix or {})
        self._write_dovecot(tls, keep_octets, log_in, dovecot)
        self._process = None

    def _write_postfix(self, routes, tls, size_limit, drop_headers, more):
        etc = self.dir / "etc-postfix"
        shutil.copytree(ROOT / "etc/postfix", etc, symlinks=True)
        transports = " ".join(f"{{{domain} = smtp:[{host}]:{port}}}" for domain, (host, port) in routes.items())
        settings = {
            "compatibility_level": "3.6",
            "maillog_file": "/var/log/mail.log",
            "maillog_file_prefixes": "/var",
            "myhostname": f"mail.{self.domains[0]}",
            "mydestination": "",
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": self.address,
            "inet_protocols": "ipv4",
            "disable_dns_lookups": "yes",
            "smtp_dns_support_level": "disabled",
            "virtual_mailbox_domains": " ".join(self.domains),
            # Maildirs that Dovecot serves. Not by Dovecot's LMTP, which takes no SMTPUTF8 mail.
            "virtual_transport": "virtual",
            "virtual_mailbox_base": "/srv/mail",
            "virtual_mailbox_maps": "texthash:/etc/postfix/mailboxes",
            "virtual_uid_maps": "static:8",
            "virtual_gid_maps": "static:8",
            "virtual_minimum_uid": "1",
            "message_size_limit": str(size_limit),
            "mailbox_size_limit": "0",
            "virtual_mailbox_limit": "0",
            "message_drop_headers": drop_headers,
            # A relay of others' mail: nothing is completed or rewritten, whoever sends it.
            "local_header_rewrite_clients": "",
            "always_add_missing_headers": "no",
            "alias_maps": "",
            "smtputf8_enable": "yes",
            "minimal_backoff_time": "2s",
            "maximal_backoff_time": "4s",
            "queue_run_delay": "2s",
            "smtpd_client_connection_count_limit": "0",
            "smtpd_client_connection_rate_limit": "0",
            "smtpd_peername_lookup": "no",
        }
        if transports:
            settings["transport_maps"] = f"inline:{{ {transports} }}"
        if tls:
            for name, source in zip(("cert.pem", "key.pem", "ca.pem"), tls):
                shutil.copy(source, etc / name)
            settings |= {
                "smtpd_tls_cert_file": "/etc/postfix/cert.pem",
                "smtpd_tls_key_file": "/etc/postfix/key.pem",
                "smtpd_tls_security_level": "may",
                "smtp_tls_CAfile": "/etc/postfix/ca.pem",
                "smtp_tls_security_level": "may",
            }
        settings |= more
        (etc / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
        (etc / "mailboxes").write_text("".join(f"{u}@{d} {u}@{d}/\n" for u in self.users for d in self.domains))
        master = []
        for line in (etc / "master.cf.proto").read_text().splitlines():
            fields = line.split()
            if not line.startswith(("#", " ")) and len(fields) >= 8:
                if fields[0] == "smtp" and fields[1] == "inet":
                    fields[0] = f"{self.address}:{self.smtp_port}"
                fields[4] = "n"  # no second chroot inside ours
                line = " ".join(fields)
            master.append(line)
        if tls:
            master.append(f"{self.address}:{self.smtps_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes")
        (etc / "master.cf").write_text("\n".join(master) + "\n")

    def _write_dovecot(self, tls, keep_octets, log_in, more):
        etc = self.dir / "etc-dovecot"
        etc.mkdir()
        if tls:
            for name, source in zip(("cert.pem", "key.pem"), tls):
                shutil.copy(source, etc / name)
        listeners = "".join(
            f"service {service} {{\n{blocks}}}\n"
            for service, blocks in {
                "imap-login": self._inet("imap", self.imap_port) + self._inet("imaps", self.imaps_port if tls else 0),
                "pop3-login": self._inet("pop3", self.pop3_port) + self._inet("pop3s", self.pop3s_port if tls else 0),
                "lmtp": self._inet("lmtp", self.lmtp_port),
            }.items()
        )
        if log_in:
            listeners += (f"auth_mechanisms = {log_in}\nservice auth {{\n  unix_listener /var/spool/postfix/private/auth {{\n"
                          "    mode = 0660\n    user = postfix\n    group = postfix\n  }\n}\n")
        (etc / "dovecot.conf").write_text(
            f"""protocols = imap pop3 lmtp
listen = {self.address}
log_path = /var/log/dovecot.log
disable_plaintext_auth = no
ssl = {"yes" if tls else "no"}
{"ssl_cert = </etc/dovecot/cert.pem" if tls else ""}
{"ssl_key = </etc/dovecot/key.pem" if tls else ""}
mail_location = {"sdbox:/srv/mail/box/%u" if keep_octets else "maildir:/srv/mail/%u"}
namespace inbox {{
  inbox = yes
  separator = /
}}
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 1000
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
mail_save_crlf = {"yes" if keep_octets else "no"}
passdb {{
  driver = static
  args = password={self.password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home=/srv/mail/%u allow_all_users=yes
}}
{listeners}
{more}
"""
        )

    def _inet(self, name, port):
        ssl = "    ssl = yes\n" if name.endswith("s") and port else ""
        return f"  inet_listener {name} {{\n    address = {self.address}\n    port = {port}\n{ssl}  }}\n"

    def start(self):
        """Starts both servers and returns when they accept; returns self."""
        for folder in ("spool", "lib", "log", "srv", "run", "tmp"):
            (self.dir / folder).mkdir()
        script = f"""
set -e
mount --make-rprivate /
root={ROOT}
mount --bind $root $root
mount -t proc proc $root/proc
mount --bind /dev $root/dev
mount --bind {self.dir}/etc-postfix $root/etc/postfix
mkdir -p $root/etc/dovecot && mount --bind {self.dir}/etc-dovecot $root/etc/dovecot
cp -a $root/var/spool/postfix/. {self.dir}/spool/ && mount --bind {self.dir}/spool $root/var/spool/postfix
mount --bind {self.dir}/lib $root/var/lib/postfix && chroot $root chown postfix:postfix /var/lib/postfix
mount --bind {self.dir}/log $root/var/log
mount --bind {self.dir}/run $root/run
mount --bind {self.dir}/tmp $root/tmp && chmod 1777 $root/tmp
mount --bind {self.dir}/srv $root/srv
mkdir -p $root/srv/mail && chroot $root chown mail:mail /srv/mail
chroot $root dovecot
chroot $root postfix start
exec sleep infinity
"""
        self._log = open(self.dir / "start.log", "w")
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "bash", "-c", script],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True,
        )
        try:
            for port in (self.smtp_port, self.imap_port, self.pop3_port, self.lmtp_port):
                wait_for_port(port, address=self.address)
        except TimeoutError as error:
            text = self.log()
            self.stop()
            raise RuntimeError(f"{error}\n{text}") from None
        return self

    def log(self):
        """What both servers logged so far."""
        text = (self.dir / "start.log").read_text()
        for name in ("mail.log", "dovecot.log"):
            path = self.dir / "log" / name
            if path.exists():
                text += path.read_text(errors="replace")
        return text

    def run(self, *command, **kwargs):
        """Runs a program of the peers' root in the site's namespaces (postqueue, doveadm...)."""
        child = subprocess.run(["pgrep", "-P", str(self._process.pid)], capture_output=True, text=True).stdout.split()[0]
        return subprocess.run(
            ["nsenter", "-t", child, "-m", "-p", "-r", "chroot", ROOT, *command], capture_output=True, text=True, **kwargs)

    def stop(self):
        if self._process:
            self._process.kill()
            self._process.wait()
            self._log.close()
            self._process = None
        if not os.environ.get("MAILMESH_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
