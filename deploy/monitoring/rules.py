"""Recording rules and alerts. `generate` writes them to rules/mailmesh.yaml; tests/monitoring tests each alert with promtool.

Every series has job="mailmesh" and an `instance` of its own; which role an instance has says mailmesh_build_info. An alert NAME has
its runbook in docs/operations/runbooks/NAME.md."""

JOB = 'job="mailmesh"'

# The promise: mail is accepted, and delivered within a minute. The budget is the share of 30 days' mail that may break it; other
# servers have a say in what goes to them, so that budget is larger.
BUDGETS = {"accepted": 0.001, "mailbox": 0.001, "server": 0.01}
SHORT_WINDOWS = ("5m", "30m", "1h", "2h")
LONG_WINDOWS = ("6h", "1d", "3d")


def broken(promise, window):
    """The share of the mail of a window that broke a promise."""
    def rate(series):
        return f"rate({series}[{window}])"

    def total(series):
        return f"(sum({rate(series)}) > 0)"

    if promise == "accepted":
        # A client that hears 4yz comes again: the mail was offered and not taken. 5yz is an answer.
        offered = 'mailmesh_smtp_transactions_total{result=~"accepted|deferred"}'
        return f"""sum({rate('mailmesh_smtp_transactions_total{result="deferred"}')})
/
{total(offered)}"""
    # What was not delivered yet is not among what was delivered in time: mail that is stuck breaks the promise too. A recipient
    # that was refused for good within the minute is settled: its sender has been told.
    in_time = rate(f'mailmesh_queue_message_age_seconds_bucket{{to="{promise}",le="60"}}')
    if promise == "mailbox":
        stored = rate('mailmesh_smtp_recipients_total{to="mailbox",by="store"}')
        in_time = f"{stored}\n    or\n  {in_time}"
    taken = f'mailmesh_smtp_recipients_total{{to="{promise}"}}'
    return f"""clamp_min(
  1 - sum(
  {in_time}
  )
  /
  {total(taken)},
0)"""


def record(name, expr, **labels):
    rule = {"record": name, "expr": expr}
    return {**rule, "labels": labels} if labels else rule


def burn_rules(windows):
    """1: at this pace the budget lasts 30 days."""
    return [record(f"mailmesh:promise_burn:rate{window}", f"({broken(promise, window)}) / {budget}", promise=promise)
            for window in windows for promise, budget in BUDGETS.items()]


def quantile(q, metric, by, window="5m", where=""):
    return f"histogram_quantile({q}, sum by ({by}, le) (rate({metric}_bucket{where}[{window}])))"


RECORDS = [
    record("mailmesh:smtp_transactions:rate5m", "sum by (result) (rate(mailmesh_smtp_transactions_total[5m]))"),
    record("mailmesh:delivery_attempts:rate5m", "sum by (result) (rate(mailmesh_delivery_attempts_total[5m]))"),
    # Gateways alone: the directory counts the same log-ins once more.
    record("mailmesh:failed_logins:rate5m",
           'sum(rate(mailmesh_auth_attempts_total{result="bad_credentials"}[5m])\n'
           '  * on (job, instance) group_left () mailmesh_build_info{role!="directory"})'),
    # Signals to scale by (docs/operations/scale.md).
    record("mailmesh:listener_sessions:ratio", "sum by (listener) (mailmesh_listener_sessions) / sum by (listener) (mailmesh_listener_sessions_limit)"),
    record("mailmesh:queue_oldest_age_seconds:max", "max(mailmesh_queue_oldest_age_seconds)"),
    record("mailmesh:fetch_job_lag_seconds:p90_rate5m", quantile(0.9, "mailmesh_fetch_job_lag_seconds", "job")),
    record("mailmesh:cpu:ratio_rate5m",
           "sum by (role) (rate(process_cpu_seconds_total[5m]) * on (job, instance) group_left (role) mailmesh_build_info)"),
    # What a caller felt: a server that is away counts nothing itself.
    record("mailmesh:grpc_client_errors:ratio_rate5m",
           'sum by (grpc_target) (\n'
           '  rate(grpc_client_handled_total{grpc_code=~"Unknown|Internal|DataLoss|Unavailable|DeadlineExceeded"}[5m])\n'
           '    or\n  0 * rate(grpc_client_handled_total[5m])\n)\n/\n(sum by (grpc_target) (rate(grpc_client_handled_total[5m])) > 0)'),
    record("mailmesh:kv_commit_seconds:p99_rate5m", quantile(0.99, "mailmesh_kv_commit_seconds", "job, instance, db")),
    record("mailmesh:imap_command_seconds:p99_rate5m",
           quantile(0.99, "mailmesh_imap_command_duration_seconds", "command", where='{command!="IDLE"}')),
    record("mailmesh:directory_lookup_seconds:p99_rate5m", quantile(0.99, "mailmesh_directory_lookup_seconds", "kind")),
]


def alert(name, expr, severity, summary, description, wait=None):
    rule = {"alert": name, "expr": expr}
    if wait:
        rule["for"] = wait
    return {**rule, "labels": {"severity": severity},
            "annotations": {"summary": summary, "description": description, "runbook": f"docs/operations/runbooks/{name}.md"}}


def burns(*pairs):
    """Over two windows each: the long one says that it matters, the short one that it still goes on."""
    return "\nor\n".join(f"(mailmesh:promise_burn:rate{long} > {factor} and mailmesh:promise_burn:rate{short} > {factor})"
                         for factor, long, short in pairs)


WHERE = "{{ $labels.instance }}"

# critical: mail stands still or is in danger, somebody must come; warning: look at it within the day; info: good to know.
ALERTS = {
    "mailmesh-promise": [
        alert("MailmeshPromiseBurnsFast", burns((14.4, "1h", "5m"), (6, "6h", "30m")), "critical",
              "The promise of mail ({{ $labels.promise }}) is broken often",
              "At {{ $value | humanize }} times the pace at which its budget lasts 30 days.", "2m"),
        alert("MailmeshPromiseBurnsSlowly", burns((3, "1d", "2h"), (1, "3d", "6h")), "warning",
              "The promise of mail ({{ $labels.promise }}) is broken more often than its budget allows",
              "At {{ $value | humanize }} times the pace at which its budget lasts 30 days.", "15m"),
    ],
    "mailmesh-processes": [
        alert("MailmeshInstanceDown", f"up{{{JOB}}} == 0", "critical", f"{WHERE} does not answer",
              "Its metrics could not be read for two minutes.", "2m"),
        alert("MailmeshNotReady",
              "(mailmesh_ready == 0 unless mailmesh_draining == 1) * on (job, instance) group_left (role) mailmesh_build_info",
              "critical", f"{WHERE} runs and is not ready", "What it needs of its own is not there: `mailmesh status` says what.", "5m"),
        alert("MailmeshRestarts", f"changes(process_start_time_seconds{{{JOB}}}[30m]) > 3", "warning", f"{WHERE} starts again and again",
              "{{ $value }} times in half an hour."),
        alert("MailmeshDrainOverrun", "mailmesh_draining == 1", "warning", f"{WHERE} has been draining for ten minutes",
              "A drain ends within its delay and window; something holds this one.", "10m"),
        alert("MailmeshPanics", "increase(mailmesh_panics_total[15m]) > 0", "warning", f"An exception escaped in {WHERE}",
              "A fault of Mailmesh: the log names it."),
        alert("MailmeshErrorsLogged", 'increase(mailmesh_log_messages_total{level="error"}[10m]) > 0', "warning",
              f"{WHERE} logs errors", "An event of level error is one that somebody must look at.", "5m"),
        alert("MailmeshLogLost", "increase(mailmesh_log_dropped_total[15m]) > 0", "warning", f"Lines of the log of {WHERE} are lost",
              "Whoever reads its standard error has stopped reading."),
        alert("MailmeshCallsFail", "mailmesh:grpc_client_errors:ratio_rate5m > 0.05", "warning",
              "Calls to {{ $labels.grpc_target }} fail", "{{ $value | humanizePercentage }} of them, as their callers see it.", "10m"),
        alert("MailmeshOverloaded", "rate(mailmesh_threadpool_refused_total[5m]) > 0", "warning",
              f"{WHERE} refuses work", "The queue of its pool {{ $labels.pool }} is full.", "5m"),
        alert("MailmeshFewFileDescriptors", f"process_open_fds{{{JOB}}} / process_max_fds{{{JOB}}} > 0.8", "warning",
              f"{WHERE} is short of file descriptors", "{{ $value | humanizePercentage }} of them are in use.", "10m"),
        alert("MailmeshVersionsDiffer", "count(count by (version, commit) (mailmesh_build_info)) > 1", "info",
              "Two versions run at once", "An upgrade was begun and not ended.", "2h"),
        # Counted, not by instance: pods that come anew do not begin it anew.
        alert("MailmeshUpgradeNotFinalized", "count(mailmesh_database_schema_version < mailmesh_database_schema_newest) > 0", "info",
              "An upgrade has waited for its end for two weeks",
              "{{ $value }} databases have an older schema than their programs know: `mailmesh upgrade finalize` is due.", "14d"),
    ],
    "mailmesh-certificates": [
        alert("MailmeshCertificateExpiresSoon", "mailmesh_tls_certificate_expiry_timestamp_seconds - time() < 14 * 86400", "warning",
              f"A certificate of {WHERE} ends within 14 days", "{{ $labels.name }}, in {{ $value | humanizeDuration }}."),
        alert("MailmeshCertificateExpiresNow", "mailmesh_tls_certificate_expiry_timestamp_seconds - time() < 2 * 86400", "critical",
              f"A certificate of {WHERE} ends within two days", "{{ $labels.name }}, in {{ $value | humanizeDuration }}."),
        alert("MailmeshCertificateReloadFails", 'increase(mailmesh_tls_reloads_total{result="failed"}[15m]) > 0', "warning",
              f"{WHERE} cannot read its new certificate", "The old one stays in use until it ends."),
    ],
    "mailmesh-clients": [
        alert("MailmeshListenerFull", "mailmesh_listener_sessions / mailmesh_listener_sessions_limit > 0.9", "warning",
              f"{WHERE} has hardly room for more connections",
              "{{ $labels.listener }}: {{ $value | humanizePercentage }} of max_sessions.", "5m"),
        alert("MailmeshConnectionsRefused", "rate(mailmesh_listener_refused_total[5m]) > 0", "warning",
              f"{WHERE} refuses connections", "{{ $labels.listener }}: a limit of sessions is reached, in all or of one address.", "10m"),
        alert("MailmeshProxyRejects", 'rate(mailmesh_proxy_rejected_total{reason=~"untrusted|malformed|no_address"}[5m]) > 0', "warning",
              f"{WHERE} closes connections that should come from a load balancer",
              "{{ $labels.listener }}: {{ $labels.reason }}.", "15m"),
        alert("MailmeshFailedLoginsRise",
              "mailmesh:failed_logins:rate5m > 1 and mailmesh:failed_logins:rate5m > 5 * avg_over_time(mailmesh:failed_logins:rate5m[1d] offset 15m)",
              "warning", "Many more log-ins fail than usual", "{{ $value | humanize }} a second: somebody guesses passwords.", "5m"),
        alert("MailmeshImapSlow", "max(mailmesh:imap_command_seconds:p99_rate5m) > 2", "warning", "IMAP commands are slow",
              "One in a hundred of the slowest kind takes {{ $value | humanizeDuration }} or longer.", "10m"),
        alert("MailmeshDirectorySlow", "max(mailmesh:directory_lookup_seconds:p99_rate5m) > 0.5", "warning",
              "Look-ups in the directory are slow", "One in a hundred takes {{ $value | humanizeDuration }} or longer.", "10m"),
    ],
    "mailmesh-queue": [
        alert("MailmeshQueueStuck", "mailmesh_queue_oldest_age_seconds > 600", "critical", f"The queue of {WHERE} does not move",
              "A message has been due for {{ $value | humanizeDuration }}.", "5m"),
        alert("MailmeshDestinationsFail",
              'mailmesh_queue_destinations{state="backing_off"} > 10\nand on (job, instance)\n'
              'mailmesh_queue_destinations{state="backing_off"} / on (job, instance) sum by (job, instance) (mailmesh_queue_destinations) > 0.5',
              "warning", f"{WHERE} cannot reach most of its destinations", "{{ $value }} of them are left alone for a while.", "15m"),
        alert("MailmeshBouncesRise",
              'mailmesh:delivery_attempts:rate5m{result="permfail"} > 0.1\nand on ()\n'
              'mailmesh:delivery_attempts:rate5m{result="permfail"} / on () sum(mailmesh:delivery_attempts:rate5m) > 0.2',
              "warning", "Other servers refuse much of what is sent", "{{ $value | humanize }} recipients a second are refused for good.", "30m"),
        alert("MailmeshRouteLogInFails", 'increase(mailmesh_outbound_auth_total{result=~"refused|impossible"}[15m]) > 0', "warning",
              f"{WHERE} cannot log in at a next hop", "Mail of that route waits."),
    ],
    "mailmesh-databases": [
        alert("MailmeshDiskFull", "mailmesh_kv_disk_full == 1", "critical", f"The disk of {WHERE} is full",
              "{{ $labels.db }} refuses what grows: mail is put off."),
        alert("MailmeshDiskFillsUp", "predict_linear(mailmesh_kv_free_bytes[6h], 4 * 86400) < 0", "warning",
              f"The disk of {WHERE} will be full within four days", "As it went in the last six hours ({{ $labels.db }}).", "1h"),
        alert("MailmeshReadErrors", "increase(mailmesh_kv_read_errors_total[15m]) > 0\nor\nmailmesh_kv_resting_columns > 0", "critical",
              f"{WHERE} cannot read its database in places", "{{ $labels.db }}: a file is damaged, or the disk is failing."),
        alert("MailmeshBackgroundErrors", "rocksdb_background_errors > 0", "critical", f"RocksDB failed in {WHERE}",
              "{{ $labels.db }}: a flush, a compaction or the log."),
        alert("MailmeshWritesStopped", "rocksdb_is_write_stopped == 1", "critical", f"{WHERE} takes no writes",
              "{{ $labels.db }}: compactions have not kept up for a minute.", "1m"),
        alert("MailmeshCommitsSlow", "mailmesh:kv_commit_seconds:p99_rate5m > 0.5", "warning", f"Commits of {WHERE} are slow",
              "{{ $labels.db }}: one in a hundred takes {{ $value | humanizeDuration }} or longer.", "10m"),
        alert("MailmeshVerifyFindings", "mailmesh_mailbox_verify_findings > 0", "warning", f"A verification of {WHERE} found damage",
              "{{ $value }} findings are not repaired."),
        alert("MailmeshBackupOld",
              "time() - (mailmesh_mailbox_backup_timestamp_seconds > 0) > 2 * 86400", "warning",
              f"The last backup of {WHERE} is older than two days", "{{ $value | humanizeDuration }} old."),
    ],
    "mailmesh-fetcher": [
        alert("MailmeshFetchLate", "max(mailmesh:fetch_job_lag_seconds:p90_rate5m) > 300", "warning", "Fetch jobs start late",
              "One in ten starts {{ $value | humanizeDuration }} or more after it is due.", "15m"),
        alert("MailmeshFetchFails",
              'sum(rate(mailmesh_fetch_runs_total{result="error"}[30m])) / (sum(rate(mailmesh_fetch_runs_total[30m])) > 0) > 0.5',
              "warning", "Most fetch runs fail", "{{ $value | humanizePercentage }} of them.", "30m"),
    ],
}


def groups():
    yield {"name": "mailmesh-records", "rules": RECORDS}
    yield {"name": "mailmesh-burn-short", "rules": burn_rules(SHORT_WINDOWS)}
    # Long windows move slowly, and reading them costs.
    yield {"name": "mailmesh-burn-long", "interval": "2m", "rules": burn_rules(LONG_WINDOWS)}
    for name, alerts in ALERTS.items():
        yield {"name": name, "rules": alerts}
