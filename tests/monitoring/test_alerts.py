"""Every alert with promtool: a history in which it fires, and at least one much like it in which it does not."""
import copy
import dataclasses
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

PROJECT = pathlib.Path(__file__).resolve().parents[2]
RULES = PROJECT / "deploy/monitoring/rules/mailmesh.yaml"

A = 'job="mailmesh",instance="a"'
STORE = A + ',db="store"'
DAY = 86400


@dataclasses.dataclass
class Case:
    alert: str
    series: dict  # series: values, as promtool writes them
    at: str  # when the alert is looked at
    labels: dict | None = None  # of the alert that fires then, besides its severity; None: none fires
    step: str = "1m"  # between two values


def fires(alert, series, at="30m", step="1m", **labels):
    return Case(alert, series, at, labels, step)


def silent(alert, series, at="30m", step="1m"):
    return Case(alert, series, at, None, step)


def here(**more):
    return {"job": "mailmesh", "instance": "a", **more}


def info(role="mailbox_store", instance="a", version="1"):
    return {f'mailmesh_build_info{{job="mailmesh",instance="{instance}",role="{role}",version="{version}",commit="c"}}': "1x200"}


def transactions(accepted, deferred):
    name = 'mailmesh_smtp_transactions_total{%s,listener="mx",result="%s"}'
    return {name % (A, "accepted"): accepted, name % (A, "deferred"): deferred}


def recipients(to, stored, queued):
    name = 'mailmesh_smtp_recipients_total{%s,to="%s",by="%s"}'
    return {name % (A, to, "store"): stored, name % (A, to, "relay"): queued}


def settled(to, in_time):
    """Recipients in the queue that had their outcome within a minute."""
    return {f'mailmesh_queue_message_age_seconds_bucket{{job="mailmesh",instance="r",to="{to}",outcome="delivered",le="60"}}': in_time}


def buckets(metric, labels, fast, slow, bound, top):
    """A histogram of two kinds of values: at most `bound`, and above it up to `top`."""
    both = f"0+{fast + slow}x200"
    return {f'{metric}_bucket{{{labels},le="{bound}"}}': f"0+{fast}x200", f'{metric}_bucket{{{labels},le="{top}"}}': both,
            f'{metric}_bucket{{{labels},le="+Inf"}}': both}


def attempts(delivered, permanent):
    name = 'mailmesh_delivery_attempts_total{%s,result="%s"}'
    return {name % (A, "delivered"): f"0+{delivered}x200", name % (A, "permfail"): f"0+{permanent}x200"}


def destinations(good, bad):
    name = 'mailmesh_queue_destinations{%s,state="%s"}'
    return {name % (A, "open"): f"{good}x60", name % (A, "backing_off"): f"{bad}x60"}


def certificate(ends, length=60):
    return {f'mailmesh_tls_certificate_expiry_timestamp_seconds{{{A},name="public"}}': f"{ends}x{length}"}


def schema(version, newest, instance="a"):
    name = 'mailmesh_database_schema_%s{job="mailmesh",instance="%s"}'
    return {name % ("version", instance): version, name % ("newest", instance): newest}


def calls(good, bad):
    name = 'grpc_client_handled_total{%s,grpc_target="mailbox_store",grpc_code="%s"}'
    return {name % (A, "OK"): f"0+{good}x200", name % (A, "Unavailable"): f"0+{bad}x200"}


def failed_logins(values):
    return {'mailmesh_auth_attempts_total{job="mailmesh",instance="g",protocol="imap",result="bad_credentials"}': values,
            **info("imap_gateway", "g")}


CASES = [
    # The promise.
    fires("MailmeshPromiseBurnsFast", transactions("0+98x200", "0+2x200"), "90m", promise="accepted"),
    silent("MailmeshPromiseBurnsFast", transactions("0+9990x200", "0+9x200"), "90m"),
    # It was bad for half an hour, and is good again: the short window says so.
    silent("MailmeshPromiseBurnsFast", transactions("0+100x200", "0+20x30 600x170"), "90m"),
    # A mesh that nobody sends mail to.
    silent("MailmeshPromiseBurnsFast", transactions("5x200", "0x200"), "90m"),
    # Everything for one mailbox waits at the relay and nothing comes out: no outcome, and yet it is broken.
    fires("MailmeshPromiseBurnsFast", {**recipients("mailbox", "0+50x200", "0+50x200"), **settled("mailbox", "0x200")}, "90m", promise="mailbox"),
    silent("MailmeshPromiseBurnsFast", {**recipients("mailbox", "0+50x200", "0+50x200"), **settled("mailbox", "0+50x200")}, "90m"),
    silent("MailmeshPromiseBurnsFast", recipients("mailbox", "0+50x200", "0x200"), "90m"),
    fires("MailmeshPromiseBurnsFast", {**recipients("server", "0x200", "0+100x200"), **settled("server", "0+80x200")}, "90m", promise="server"),
    # One in ten late at other servers: within what is theirs to spoil for a day, not within 30 days' budget.
    silent("MailmeshPromiseBurnsFast", {**recipients("server", "0x200", "0+100x200"), **settled("server", "0+95x200")}, "90m"),
    # More came out than went in: a queue that empties is no negative error.
    silent("MailmeshPromiseBurnsFast", {**recipients("server", "0x200", "0+10x200"), **settled("server", "0+100x200")}, "90m"),
    fires("MailmeshPromiseBurnsSlowly", transactions("0+996x220", "0+4x220"), "6000m", "30m", promise="accepted"),
    silent("MailmeshPromiseBurnsSlowly", transactions("0+9995x220", "0+5x220"), "6000m", "30m"),
    # Processes.
    fires("MailmeshInstanceDown", {f"up{{{A}}}": "1x5 0x60"}, "10m", **here()),
    silent("MailmeshInstanceDown", {f"up{{{A}}}": "1x5 0 1x60"}, "7m"),
    silent("MailmeshInstanceDown", {'up{job="another",instance="a"}': "0x60"}),
    fires("MailmeshNotReady", {f"mailmesh_ready{{{A}}}": "0x60", f"mailmesh_draining{{{A}}}": "0x60", **info()}, **here(role="mailbox_store")),
    silent("MailmeshNotReady", {f"mailmesh_ready{{{A}}}": "0x60", f"mailmesh_draining{{{A}}}": "1x60", **info()}),
    silent("MailmeshNotReady", {f"mailmesh_ready{{{A}}}": "0 0 0 1x60", f"mailmesh_draining{{{A}}}": "0x60", **info()}),
    fires("MailmeshRestarts", {f"process_start_time_seconds{{{A}}}": "1+300x60"}, **here()),
    silent("MailmeshRestarts", {f"process_start_time_seconds{{{A}}}": "1x10 2x10 3x60"}),
    fires("MailmeshDrainOverrun", {f"mailmesh_draining{{{A}}}": "1x60"}, **here()),
    silent("MailmeshDrainOverrun", {f"mailmesh_draining{{{A}}}": "0x5 1x8 0x60"}, "13m"),
    fires("MailmeshPanics", {f"mailmesh_panics_total{{{A}}}": "0x20 1x60"}, **here()),
    silent("MailmeshPanics", {f"mailmesh_panics_total{{{A}}}": "3x60"}),
    fires("MailmeshErrorsLogged", {f'mailmesh_log_messages_total{{{A},level="error"}}': "0+1x60"}, **here(level="error")),
    silent("MailmeshErrorsLogged", {f'mailmesh_log_messages_total{{{A},level="warning"}}': "0+1x60", f'mailmesh_log_messages_total{{{A},level="error"}}': "7x60"}),
    fires("MailmeshLogLost", {f"mailmesh_log_dropped_total{{{A}}}": "0x20 5x60"}, **here()),
    silent("MailmeshLogLost", {f"mailmesh_log_dropped_total{{{A}}}": "5x60"}),
    fires("MailmeshCallsFail", calls(90, 10), grpc_target="mailbox_store"),
    silent("MailmeshCallsFail", calls(99, 1)),
    silent("MailmeshCallsFail", {f'grpc_client_handled_total{{{A},grpc_target="directory",grpc_code="NotFound"}}': "0+100x60"}),
    fires("MailmeshOverloaded", {f'mailmesh_threadpool_refused_total{{{A},pool="hash"}}': "0+1x60"}, **here(pool="hash")),
    silent("MailmeshOverloaded", {f'mailmesh_threadpool_refused_total{{{A},pool="hash"}}': "0x10 1x60"}),
    fires("MailmeshFewFileDescriptors", {f"process_open_fds{{{A}}}": "900x60", f"process_max_fds{{{A}}}": "1024x60"}, **here()),
    silent("MailmeshFewFileDescriptors", {f"process_open_fds{{{A}}}": "700x60", f"process_max_fds{{{A}}}": "1024x60"}),
    fires("MailmeshVersionsDiffer", {**info(), **info(instance="b", version="2")}, "150m"),
    silent("MailmeshVersionsDiffer", {**info(), **info(instance="b")}, "150m"),
    silent("MailmeshVersionsDiffer", {**info(), **info(instance="b", version="2")}, "60m"),
    fires("MailmeshUpgradeNotFinalized", schema("2x400", "3x400"), "15d", "1h"),
    # A pod was exchanged for another.
    fires("MailmeshUpgradeNotFinalized", {**schema("2x200", "3x200"), **schema("_x200 2x200", "_x200 3x200", "b")}, "15d", "1h"),
    silent("MailmeshUpgradeNotFinalized", schema("2x400", "3x400"), "13d", "1h"),
    silent("MailmeshUpgradeNotFinalized", schema("2x300 3x100", "3x400"), "15d", "1h"),
    # Certificates: promtool's clock begins at 0.
    fires("MailmeshCertificateExpiresSoon", certificate(10 * DAY), **here(name="public")),
    silent("MailmeshCertificateExpiresSoon", certificate(20 * DAY)),
    fires("MailmeshCertificateExpiresNow", certificate(1 * DAY), **here(name="public")),
    silent("MailmeshCertificateExpiresNow", certificate(10 * DAY)),
    fires("MailmeshCertificateReloadFails", {f'mailmesh_tls_reloads_total{{{A},result="failed"}}': "0x20 1x60"}, **here(result="failed")),
    silent("MailmeshCertificateReloadFails", {f'mailmesh_tls_reloads_total{{{A},result="ok"}}': "0x20 1x60"}),
    # Clients.
    fires("MailmeshListenerFull", {f'mailmesh_listener_sessions{{{A},listener="imaps"}}': "95x60", f'mailmesh_listener_sessions_limit{{{A},listener="imaps"}}': "100x60"},
          **here(listener="imaps")),
    silent("MailmeshListenerFull", {f'mailmesh_listener_sessions{{{A},listener="imaps"}}': "85x60", f'mailmesh_listener_sessions_limit{{{A},listener="imaps"}}': "100x60"}),
    fires("MailmeshConnectionsRefused", {f'mailmesh_listener_refused_total{{{A},listener="mx"}}': "0+3x60"}, **here(listener="mx")),
    silent("MailmeshConnectionsRefused", {f'mailmesh_listener_refused_total{{{A},listener="mx"}}': "0x10 3x60"}),
    fires("MailmeshProxyRejects", {f'mailmesh_proxy_rejected_total{{{A},listener="mx_proxy",reason="untrusted"}}': "0+2x60"},
          **here(listener="mx_proxy", reason="untrusted")),
    silent("MailmeshProxyRejects", {f'mailmesh_proxy_rejected_total{{{A},listener="mx_proxy",reason="untrusted"}}': "0x5 4x60",
                                    f'mailmesh_proxy_rejected_total{{{A},listener="mx_proxy",reason="closed"}}': "0+2x60"}),
    fires("MailmeshFailedLoginsRise", failed_logins("0+6x120 720+300x60"), "135m"),
    silent("MailmeshFailedLoginsRise", failed_logins("0+300x180"), "135m"),  # as always
    silent("MailmeshFailedLoginsRise", failed_logins("0+1x120 120+20x60"), "135m"),  # many times as many, of few
    silent("MailmeshFailedLoginsRise", {**failed_logins("0x180"), 'mailmesh_auth_attempts_total{job="mailmesh",instance="d",result="bad_credentials"}': "0+6x120 720+300x60",
                                        **info("directory", "d")}, "135m"),
    fires("MailmeshImapSlow", buckets("mailmesh_imap_command_duration_seconds", A + ',command="SEARCH",status="OK"', 90, 10, 1, 10)),
    silent("MailmeshImapSlow", buckets("mailmesh_imap_command_duration_seconds", A + ',command="SEARCH",status="OK"', 1000, 1, 1, 10)),
    silent("MailmeshImapSlow", buckets("mailmesh_imap_command_duration_seconds", A + ',command="IDLE",status="OK"', 0, 10, 1, 10)),
    fires("MailmeshDirectorySlow", buckets("mailmesh_directory_lookup_seconds", A + ',kind="recipient"', 90, 10, 0.25, 2.5)),
    silent("MailmeshDirectorySlow", buckets("mailmesh_directory_lookup_seconds", A + ',kind="recipient"', 1000, 1, 0.25, 2.5)),
    # The queue.
    fires("MailmeshQueueStuck", {f"mailmesh_queue_oldest_age_seconds{{{A}}}": "700+60x60"}, **here()),
    silent("MailmeshQueueStuck", {f"mailmesh_queue_oldest_age_seconds{{{A}}}": "500x60"}),
    fires("MailmeshDestinationsFail", destinations(5, 15), **here(state="backing_off")),
    silent("MailmeshDestinationsFail", destinations(50, 15)),
    silent("MailmeshDestinationsFail", destinations(0, 3)),  # so few can all be down
    fires("MailmeshBouncesRise", attempts(60, 30), "60m", result="permfail"),
    silent("MailmeshBouncesRise", attempts(600, 30), "60m"),
    silent("MailmeshBouncesRise", attempts(0, 1), "60m"),
    fires("MailmeshRouteLogInFails", {f'mailmesh_outbound_auth_total{{{A},result="refused"}}': "0x20 1x60"}, **here(result="refused")),
    silent("MailmeshRouteLogInFails", {f'mailmesh_outbound_auth_total{{{A},result="ok"}}': "0+5x60", f'mailmesh_outbound_auth_total{{{A},result="refused"}}': "2x60"}),
    # Databases.
    fires("MailmeshDiskFull", {f"mailmesh_kv_disk_full{{{STORE}}}": "0x5 1x60"}, **here(db="store")),
    silent("MailmeshDiskFull", {f"mailmesh_kv_disk_full{{{STORE}}}": "1x5 0x60"}),
    fires("MailmeshDiskFillsUp", {f"mailmesh_kv_free_bytes{{{STORE}}}": "1000000000-1000000x400"}, "390m", **here(db="store")),
    silent("MailmeshDiskFillsUp", {f"mailmesh_kv_free_bytes{{{STORE}}}": "1000000000-10000x400"}, "390m"),
    fires("MailmeshReadErrors", {f"mailmesh_kv_read_errors_total{{{STORE}}}": "0x20 1x60"}, **here(db="store")),
    fires("MailmeshReadErrors", {f"mailmesh_kv_resting_columns{{{STORE}}}": "1x60"}, **here(db="store")),
    silent("MailmeshReadErrors", {f"mailmesh_kv_read_errors_total{{{STORE}}}": "4x60", f"mailmesh_kv_resting_columns{{{STORE}}}": "1x20 0x60"}),
    fires("MailmeshBackgroundErrors", {f"rocksdb_background_errors{{{STORE}}}": "1x60"}, **here(db="store")),
    silent("MailmeshBackgroundErrors", {f"rocksdb_background_errors{{{STORE}}}": "0x60"}),
    fires("MailmeshWritesStopped", {f"rocksdb_is_write_stopped{{{STORE}}}": "1x60"}, **here(db="store")),
    silent("MailmeshWritesStopped", {f"rocksdb_is_write_stopped{{{STORE}}}": "0x29 1x60"}),
    fires("MailmeshCommitsSlow", buckets("mailmesh_kv_commit_seconds", STORE, 90, 10, 0.25, 2.5), **here(db="store")),
    silent("MailmeshCommitsSlow", buckets("mailmesh_kv_commit_seconds", STORE, 1000, 1, 0.25, 2.5)),
    fires("MailmeshVerifyFindings", {f"mailmesh_mailbox_verify_findings{{{A}}}": "2x60"}, **here()),
    silent("MailmeshVerifyFindings", {f"mailmesh_mailbox_verify_findings{{{A}}}": "0x60"}),
    fires("MailmeshBackupOld", {f"mailmesh_mailbox_backup_timestamp_seconds{{{A}}}": "60x120"}, "2910m", "30m", **here()),
    silent("MailmeshBackupOld", {f"mailmesh_mailbox_backup_timestamp_seconds{{{A}}}": "60x47 86400x120"}, "2910m", "30m"),
    silent("MailmeshBackupOld", {f"mailmesh_mailbox_backup_timestamp_seconds{{{A}}}": "0x120"}, "2910m", "30m"),  # nobody makes any
    # The fetcher.
    fires("MailmeshFetchLate", buckets("mailmesh_fetch_job_lag_seconds", A, 50, 50, 300, 900)),
    silent("MailmeshFetchLate", buckets("mailmesh_fetch_job_lag_seconds", A, 95, 5, 300, 900)),
    fires("MailmeshFetchFails", {f'mailmesh_fetch_runs_total{{{A},protocol="pop3",result="error"}}': "0+8x90", f'mailmesh_fetch_runs_total{{{A},protocol="pop3",result="ok"}}': "0+2x90"}, "80m"),
    silent("MailmeshFetchFails", {f'mailmesh_fetch_runs_total{{{A},protocol="pop3",result="error"}}': "0+2x90", f'mailmesh_fetch_runs_total{{{A},protocol="pop3",result="ok"}}': "0+8x90"}, "80m"),
]


def load_rules():
    return yaml.safe_load(RULES.read_text())


def alerts_of(rules):
    return {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule}


def promtool(*arguments):
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)


class Alerts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rules = load_rules()
        cls.alerts = alerts_of(cls.rules)
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        # What an alert says is compared word by word where it is given: that is the matter of another test.
        bare = copy.deepcopy(cls.rules)
        for rule in alerts_of(bare).values():
            rule.pop("annotations")
        (cls.folder / "bare.yaml").write_text(yaml.safe_dump(bare))
        # Most of what there is to compute is of the promise.
        bare["groups"] = [group for group in bare["groups"] if "burn" not in group["name"]]
        (cls.folder / "without_promise.yaml").write_text(yaml.safe_dump(bare))

    def run_promtool(self, rule_file, tests, step="1m"):
        file = self.folder / f"{self._testMethodName}.yaml"
        # Records come before what is computed of them.
        order = [group["name"] for group in yaml.safe_load(rule_file.read_text())["groups"]]
        file.write_text(yaml.safe_dump({"rule_files": [str(rule_file)], "evaluation_interval": step, "group_eval_order": order, "tests": tests}))
        return promtool("test", "rules", file)

    def test_the_rules_are_good(self):
        done = promtool("check", "rules", RULES)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        print(done.stdout.strip().splitlines()[-1].strip())

    def test_each_alert_fires_and_keeps_silent(self):
        def kind(case):
            return case.step, "bare.yaml" if "Promise" in case.alert else "without_promise.yaml"

        for step, rules in sorted({kind(case) for case in CASES}):
            cases = [case for case in CASES if kind(case) == (step, rules)]
            tests = [{"interval": step, "name": f"{case.alert} {'fires' if case.labels is not None else 'is silent'}",
                      "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
                      "alert_rule_test": [{"alertname": case.alert, "eval_time": case.at, "exp_alerts": [] if case.labels is None else [
                          {"exp_labels": {"severity": self.alerts[case.alert]["labels"]["severity"], **case.labels}}]}]} for case in cases]
            done = self.run_promtool(self.folder / rules, tests, step)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        print(f"{len(CASES)} cases of {len(self.alerts)} alerts: {sum(c.labels is not None for c in CASES)} fire, {sum(c.labels is None for c in CASES)} are silent")

    def test_no_alert_is_left_out(self):
        self.assertEqual(set(self.alerts), {case.alert for case in CASES if case.labels is not None}, "without a case in which it fires")
        self.assertEqual(set(self.alerts), {case.alert for case in CASES if case.labels is None}, "without a case in which it does not")

    def test_what_an_alert_names_is_there(self):
        """A label that its text speaks of is a label that it has."""
        for case in CASES:
            if case.labels is None:
                continue
            text = " ".join(self.alerts[case.alert]["annotations"].values())
            for label in re.findall(r"\$labels\.(\w+)", text):
                self.assertIn(label, case.labels, case.alert)

    def test_an_alert_is_told_as_it_is_meant(self):
        tests = [{"interval": "1m", "input_series": [{"series": f"mailmesh_kv_disk_full{{{STORE}}}", "values": "1x10"}],
                  "alert_rule_test": [{"alertname": "MailmeshDiskFull", "eval_time": "5m", "exp_alerts": [
                      {"exp_labels": {"severity": "critical", **here(db="store")},
                       "exp_annotations": {"summary": "The disk of a is full", "description": "store refuses what grows: mail is put off.",
                                           "runbook": "docs/operations/runbooks/MailmeshDiskFull.md"}}]}]}]
        done = self.run_promtool(RULES, tests)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_wrong_expectation_is_noticed(self):
        """That the other tests can fail."""
        tests = [{"interval": "1m", "input_series": [{"series": f"mailmesh_kv_disk_full{{{STORE}}}", "values": "0x10"}],
                  "alert_rule_test": [{"alertname": "MailmeshDiskFull", "eval_time": "5m", "exp_alerts": [
                      {"exp_labels": {"severity": "critical", **here(db="store")}}]}]}]
        self.assertNotEqual(self.run_promtool(self.folder / "bare.yaml", tests).returncode, 0)


if __name__ == "__main__":
    sys.path.insert(0, str(PROJECT))
    unittest.main()
