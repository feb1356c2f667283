"""What the dashboards show: for each its title and rows of panels. `generate` makes Grafana's JSON of it; tests/e2e/test_watching.py
runs every query against a Prometheus that scrapes a mesh under load.

In a query "@" stands for the selector of the dashboard's processes, and [R] for the range that fits the panel's width."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Query:
    expr: str
    legend: str
    # A rate that may stay at 0 while a mesh works well: faults, and what happens now and then. All others move while their work is done.
    quiet: bool = False


@dataclasses.dataclass(frozen=True)
class Panel:
    title: str
    unit: str
    queries: tuple
    about: str = ""
    kind: str = "timeseries"  # or "stat"
    stacked: bool = False


def panel(title, unit, *queries, about="", kind="timeseries", stacked=False):
    return Panel(title, unit, queries, about, kind, stacked)


def rate(metric, by, where="", quiet=False, legend=None):
    """Events a second, by labels."""
    selector = f"@,{where}" if where else "@"
    names = legend or " ".join("{{%s}}" % name for name in by.split(", "))
    return Query(f"sum by ({by}) (rate({metric}{{{selector}}}[R]))", names, quiet)


def total(metric, legend, where="", quiet=False):
    selector = f"@,{where}" if where else "@"
    return Query(f"sum(rate({metric}{{{selector}}}[R]))", legend, quiet)


def gauge(metric, by, where="", legend=None, quiet=False):
    selector = f"@,{where}" if where else "@"
    return Query(f"sum by ({by}) ({metric}{{{selector}}})", legend or " ".join("{{%s}}" % name for name in by.split(", ")), quiet)


def times(metric, by="", where=""):
    """The median and the slowest hundredth of a histogram, for each of `by`."""
    selector = f"@,{where}" if where else "@"
    grouping = f"{by}, le" if by else "le"
    label = ("{{%s}} " % by) if by else ""
    return tuple(Query(f"histogram_quantile({q}, sum by ({grouping}) (rate({metric}_bucket{{{selector}}}[R])))", f"{label}{name}")
                 for q, name in ((0.5, "p50"), (0.99, "p99")))


def slowest(metric, by, where=""):
    """The slowest hundredth alone: where there are many of `by`."""
    return times(metric, by, where)[1:]


LOG_INS = panel("Log-ins", "ops", rate("mailmesh_auth_attempts_total", "mechanism, result"), about="By mechanism and outcome.")
LISTENERS = (
    panel("Connections open, of those allowed", "percentunit",
          Query("sum by (listener) (mailmesh_listener_sessions{@}) / sum by (listener) (mailmesh_listener_sessions_limit{@})", "{{listener}}"),
          about="The signal to scale by: above 0.6 add replicas (docs/operations/scale.md)."),
    panel("Connections taken and refused", "cps", rate("mailmesh_listener_accepted_total", "listener", legend="{{listener}} taken"),
          rate("mailmesh_listener_refused_total", "listener", legend="{{listener}} refused", quiet=True)),
    panel("Behind load balancers", "cps", rate("mailmesh_proxy_rejected_total", "listener, reason", quiet=True),
          rate("mailmesh_proxy_checks_total", "listener", legend="{{listener}} checks", quiet=True),
          about="Connections that were closed for want of a PROXY header, and balancers' own. Empty without such listeners."),
)
PROCESS = (
    panel("CPU", "short", Query("rate(process_cpu_seconds_total{@}[R])", "{{instance}}"), about="Cores in use."),
    panel("Memory", "bytes", Query("process_resident_memory_bytes{@}", "{{instance}}")),
    panel("File descriptors, of those allowed", "percentunit", Query("process_open_fds{@} / process_max_fds{@}", "{{instance}}")),
    panel("Ready, draining", "short", Query("mailmesh_ready{@}", "{{instance}} ready"), Query("mailmesh_draining{@}", "{{instance}} draining", True)),
    panel("Lines of the log", "cps", rate("mailmesh_log_messages_total", "level", quiet=True)),
    panel("Faults", "cps", total("mailmesh_panics_total", "exceptions that escaped", quiet=True),
          total("mailmesh_threadpool_refused_total", "tasks refused", quiet=True),
          total("mailmesh_log_dropped_total", "lines of the log lost", quiet=True)),
)
SERVED = (
    panel("Calls answered", "reqps", rate("grpc_server_handled_total", "grpc_method, grpc_code")),
    panel("Calls answered: the slowest hundredth", "s", *slowest("grpc_server_handling_seconds", "grpc_method", 'grpc_type="unary"')),
    panel("Waiting for a thread", "s", *slowest("mailmesh_threadpool_task_wait_seconds", "pool"), about="The slowest hundredth of the tasks of each pool."),
)
MADE = (
    panel("Calls made", "reqps", rate("grpc_client_handled_total", "grpc_target, grpc_code")),
    panel("Calls made: the slowest hundredth", "s", *slowest("grpc_client_handling_seconds", "grpc_target", 'grpc_type="unary"')),
)
KEPT = panel("Answers needed of the directory", "ops", rate("mailmesh_directory_cache_lookups_total", "result"),
             gauge("mailmesh_directory_cache_entries", "instance", legend="{{instance}} kept"),
             about="Fresh: kept here. Stale: the directory was away, and an old one was used.")
DATABASE = (
    panel("Commits", "cps", rate("mailmesh_kv_commits_total", "db, result", where='result="ok"'),
          rate("mailmesh_kv_commits_total", "db, result", where='result!="ok"', quiet=True)),
    panel("Commit: from submission to its end", "s", *times("mailmesh_kv_commit_seconds", "db")),
    panel("Commits that shared a sync", "short", *times("mailmesh_kv_group_commits", "db")),
    panel("Syncs of the log", "cps", rate("rocksdb_wal_syncs_total", "db")),
    panel("Written", "Bps", rate("rocksdb_wal_bytes_total", "db", legend="{{db}} log"),
          rate("rocksdb_flush_written_bytes_total", "db", legend="{{db}} flushes", quiet=True),
          rate("rocksdb_compaction_written_bytes_total", "db", legend="{{db}} compactions", quiet=True)),
    panel("Size", "bytes", gauge("rocksdb_total_sst_files_size_bytes", "db", legend="{{db}} tables"),
          gauge("rocksdb_live_blob_file_size_bytes", "db", legend="{{db}} blobs"),
          gauge("rocksdb_cur_size_all_mem_tables_bytes", "db", legend="{{db}} in memory")),
    panel("Free space", "bytes", Query("mailmesh_kv_free_bytes{@}", "{{instance}} {{db}}")),
    panel("Trouble", "short", gauge("rocksdb_background_errors", "db", legend="{{db}} background errors", quiet=True),
          gauge("rocksdb_is_write_stopped", "db", legend="{{db}} writes stopped", quiet=True),
          gauge("mailmesh_kv_disk_full", "db", legend="{{db}} disk full", quiet=True),
          rate("mailmesh_kv_read_errors_total", "db", legend="{{db}} read errors", quiet=True),
          gauge("mailmesh_kv_resting_columns", "db", legend="{{db}} columns without compactions", quiet=True),
          rate("rocksdb_stall_seconds_total", "db", legend="{{db}} stalled", quiet=True)),
)

MESH = {
    "The promise: accepted, and delivered within a minute": (
        panel("Budget burned, last hour", "short", Query("mailmesh:promise_burn:rate1h", "{{promise}}", True), kind="stat",
              about="1: at this pace the budget lasts 30 days. Alerts: 14.4 over an hour, 6 over six hours, 3 over a day, 1 over three days."),
        panel("Budget burned", "short", Query("mailmesh:promise_burn:rate5m", "{{promise}} 5 m", True),
              Query("mailmesh:promise_burn:rate1h", "{{promise}} 1 h", True), Query("mailmesh:promise_burn:rate6h", "{{promise}} 6 h", True)),
        panel("From the relay's taking a message to its outcome", "s", *times("mailmesh_queue_message_age_seconds", "to")),
        panel("From a message's last octet to its being durable", "s", *times("mailmesh_smtp_commit_seconds")),
    ),
    "Mail": (
        panel("Messages that came in", "cps", rate("mailmesh_smtp_transactions_total", "listener, result"), stacked=True),
        panel("Recipients taken", "cps", rate("mailmesh_smtp_recipients_total", "to, by"), stacked=True,
              about="Where the copy goes, and who has it when the client hears 250."),
        panel("Attempts at delivery", "cps", rate("mailmesh_delivery_attempts_total", "result"), stacked=True),
        panel("Queue", "short", gauge("mailmesh_queue_messages", "state"), stacked=True),
        panel("The message that is due longest", "s", Query("max(mailmesh_queue_oldest_age_seconds{@})", "due for", True)),
        panel("Notifications to senders", "cps", rate("mailmesh_dsn_generated_total", "kind")),
        panel("Messages fetched from elsewhere", "cps", rate("mailmesh_fetch_messages_total", "result")),
        panel("Messages read", "cps", total("mailmesh_pop3_messages_retrieved_total", "by POP3"),
              total("mailmesh_imap_command_duration_seconds_count", "IMAP FETCH", where='command="FETCH"')),
    ),
    "Clients": (
        panel("Connections open", "short", gauge("mailmesh_listener_sessions", "listener")),
        panel("IMAP sessions", "short", gauge("mailmesh_imap_sessions", "state"), stacked=True),
        panel("Log-ins", "ops",
              Query('sum by (protocol, result) (rate(mailmesh_auth_attempts_total{@}[R]) * on (job, instance) group_left () mailmesh_build_info{@,role!="directory"})',
                    "{{protocol}} {{result}}")),
        panel("IMAP commands: the slowest hundredth", "s", *slowest("mailmesh_imap_command_duration_seconds", "command", 'command!="IDLE"')),
    ),
    "Roles": (
        panel("Ready", "short", Query("sum by (role) (mailmesh_ready{@} * on (job, instance) group_left (role) mailmesh_build_info{@})", "{{role}}"),
              kind="stat", about="Processes of each role that say they are ready."),
        panel("Versions", "short", Query("count by (version, commit) (mailmesh_build_info{@})", "{{version}} {{commit}}"), kind="stat"),
        panel("CPU", "short", Query("sum by (role) (rate(process_cpu_seconds_total{@}[R]) * on (job, instance) group_left (role) mailmesh_build_info{@})", "{{role}}"),
              stacked=True, about="Cores in use."),
        panel("Memory", "bytes", Query("sum by (role) (process_resident_memory_bytes{@} * on (job, instance) group_left (role) mailmesh_build_info{@})", "{{role}}"), stacked=True),
        panel("Calls between roles", "reqps", rate("grpc_client_handled_total", "grpc_target")),
        panel("Calls that failed", "percentunit", Query("mailmesh:grpc_client_errors:ratio_rate5m", "{{grpc_target}}", True),
              about="As their callers see it."),
        panel("Calls between roles: the slowest hundredth", "s", *slowest("grpc_client_handling_seconds", "grpc_target", 'grpc_type="unary"')),
        panel("Commits: the slowest hundredth", "s", *slowest("mailmesh_kv_commit_seconds", "db")),
        panel("Faults", "cps", total("mailmesh_panics_total", "exceptions that escaped", quiet=True),
              rate("mailmesh_log_messages_total", "level", where='level=~"warning|error"', quiet=True)),
        panel("First certificate to end", "s", Query("min(mailmesh_tls_certificate_expiry_timestamp_seconds{@}) - time()", "in"), kind="stat"),
    ),
}

ROLES = {
    "smtp_ingress": {
        "Mail": (
            panel("Messages that came in", "cps", rate("mailmesh_smtp_transactions_total", "listener, result"), stacked=True),
            panel("Recipients taken", "cps", rate("mailmesh_smtp_recipients_total", "to, by"), stacked=True),
            panel("From a message's last octet to its being durable", "s", *times("mailmesh_smtp_commit_seconds")),
            panel("Size of messages", "bytes", *times("mailmesh_smtp_message_size_bytes", "listener")),
            panel("Commands", "s", *slowest("mailmesh_smtp_command_duration_seconds", "command"), about="The slowest hundredth, from command to reply."),
            panel("Replies", "ops", rate("mailmesh_smtp_command_duration_seconds_count", "code_class")),
            panel("Refused for a rate limit", "cps", rate("mailmesh_smtp_limited_total", "limit", quiet=True)),
            panel("Fields that submission added", "cps", rate("mailmesh_smtp_completed_total", "change")),
        ),
        "Clients": (
            *LISTENERS, LOG_INS,
            panel("Connections that ended, by their TLS", "cps", rate("mailmesh_smtp_connections_total", "listener, tls")),
        ),
        "Calls": (*MADE, KEPT),
    },
    "outbound_relay": {
        "Queue": (
            panel("Messages", "short", gauge("mailmesh_queue_messages", "state"), stacked=True),
            panel("The message that is due longest", "s", Query("mailmesh_queue_oldest_age_seconds{@}", "{{instance}}", True),
                  about="The signal to scale by: above 60 s add replicas, where connections or CPU are what is short."),
            panel("Destinations", "short", gauge("mailmesh_queue_destinations", "state")),
            panel("Deliveries under way", "short", gauge("mailmesh_queue_turns", "destination"), about="By what is known of their destination."),
        ),
        "Deliveries": (
            panel("Attempts", "cps", rate("mailmesh_delivery_attempts_total", "result"), stacked=True),
            panel("Attempts after the third", "cps", rate("mailmesh_delivery_attempts_total", "result", where='attempt="4+"', quiet=True)),
            panel("Age at the outcome", "s", *times("mailmesh_queue_message_age_seconds", "to")),
            panel("Outcomes", "cps", rate("mailmesh_queue_message_age_seconds_count", "outcome, to")),
            panel("Where the time of a delivery goes", "s", *times("mailmesh_delivery_stage_seconds", "stage")),
            panel("Look-ups in the DNS", "ops", rate("mailmesh_dns_lookup_seconds_count", "type, result")),
            panel("Look-ups in the DNS: the slowest hundredth", "s", *slowest("mailmesh_dns_lookup_seconds", "type")),
            panel("Connections to other servers", "short", Query("mailmesh_outbound_connections{@}", "{{instance}}")),
            panel("Connections made, by what protects them", "cps", rate("mailmesh_outbound_tls_total", "level")),
            panel("Log-ins at next hops", "cps", rate("mailmesh_outbound_auth_total", "result", quiet=True)),
            panel("Went on to a further server", "cps", total("mailmesh_delivery_next_servers_total", "passed over", quiet=True)),
            panel("Notifications to senders", "cps", rate("mailmesh_dsn_generated_total", "kind")),
        ),
        "Calls": (*SERVED, *MADE, KEPT),
        "Spool": DATABASE,
    },
    "mailbox_store": {
        "Mailboxes": (
            panel("Operations", "ops", rate("mailmesh_mailbox_operations_total", "op")),
            panel("Operations that did not succeed", "ops", rate("mailmesh_mailbox_operations_total", "op, result", where='result!="ok"', quiet=True)),
            panel("Operations: the slowest hundredth", "s", *slowest("mailmesh_mailbox_operation_seconds", "op")),
            panel("Stored", "Bps", total("mailmesh_mailbox_append_bytes_total", "octets of messages")),
            panel("Refused for quota", "cps", total("mailmesh_mailbox_quota_rejections_total", "messages", quiet=True)),
            panel("Mailboxes watched", "short", Query("mailmesh_notifications_subscribers{@}", "{{instance}}")),
            panel("Changes that a watcher was too slow for", "cps", total("mailmesh_notifications_dropped_total", "dropped", quiet=True)),
            panel("In use", "short", Query("mailmesh_mailbox_maildrop_leases{@}", "{{instance}} maildrops"),
                  Query("mailmesh_mailbox_uploads{@}", "{{instance}} uploads"), Query("mailmesh_mailbox_fetch_jobs{@}", "{{instance}} fetch jobs")),
            panel("Collected", "cps", total("mailmesh_mailbox_collected_messages_total", "messages"), total("mailmesh_mailbox_collected_blobs_total", "contents")),
            panel("Findings of the last verification", "short", Query("mailmesh_mailbox_verify_findings{@}", "{{instance}}", True), kind="stat"),
            panel("Since the last backup", "s", Query("time() - (mailmesh_mailbox_backup_timestamp_seconds{@} > 0)", "{{instance}}"), kind="stat"),
        ),
        "Calls": SERVED,
        "Database": (
            *DATABASE,
            panel("Blocks found in the cache", "percentunit",
                  Query("sum by (db) (rate(rocksdb_block_cache_data_hits_total{@}[R])) / (sum by (db) (rate(rocksdb_block_cache_data_hits_total{@}[R])"
                        " + rate(rocksdb_block_cache_data_misses_total{@}[R])) > 0)", "{{db}}", quiet=True)),
        ),
    },
    "imap_gateway": {
        "Sessions": (
            panel("Sessions", "short", gauge("mailmesh_imap_sessions", "state"), stacked=True),
            *LISTENERS, LOG_INS,
        ),
        "Work": (
            panel("Commands", "ops", rate("mailmesh_imap_command_duration_seconds_count", "command")),
            panel("Commands that were refused", "ops", rate("mailmesh_imap_command_duration_seconds_count", "command, status", where='status!="OK"', quiet=True)),
            panel("Commands: the slowest hundredth", "s", *slowest("mailmesh_imap_command_duration_seconds", "command", 'command!="IDLE"')),
            panel("Octets", "Bps", rate("mailmesh_imap_bytes_total", "direction")),
            panel("From a change to its being told in IDLE", "s", *times("mailmesh_imap_idle_notification_delay_seconds")),
            panel("Mailboxes kept in memory", "short", Query("mailmesh_imap_views{@}", "{{instance}}")),
        ),
        "Calls": MADE,
    },
    "pop3_gateway": {
        "Sessions": (
            panel("Sessions", "short", gauge("mailmesh_pop3_sessions", "state"), stacked=True),
            *LISTENERS, LOG_INS,
        ),
        "Work": (
            panel("Commands", "ops", rate("mailmesh_pop3_command_duration_seconds_count", "command")),
            panel("Commands that were refused", "ops", rate("mailmesh_pop3_command_duration_seconds_count", "command", where='status="err"')),
            panel("Commands: the slowest hundredth", "s", *slowest("mailmesh_pop3_command_duration_seconds", "command")),
            panel("Octets", "Bps", rate("mailmesh_pop3_bytes_total", "direction")),
            panel("Messages", "cps", total("mailmesh_pop3_messages_retrieved_total", "retrieved"), total("mailmesh_pop3_messages_deleted_total", "deleted")),
            panel("Messages sent in another form", "cps", total("mailmesh_pop3_surrogates_total", "in ASCII for a client without UTF8", quiet=True)),
        ),
        "Calls": MADE,
    },
    "fetcher": {
        "Jobs": (
            panel("Runs that ended", "cps", rate("mailmesh_fetch_runs_total", "protocol, result")),
            panel("From a job's being due to its start", "s", *times("mailmesh_fetch_job_lag_seconds"),
                  about="The signal to scale by (docs/operations/scale.md)."),
            panel("How long runs take", "s", *times("mailmesh_fetch_duration_seconds")),
            panel("Running now", "short", Query("mailmesh_fetch_jobs{@}", "{{instance}}")),
            panel("Messages at remote servers", "cps", rate("mailmesh_fetch_messages_total", "result")),
        ),
        "Calls": MADE,
    },
    "directory": {
        "Look-ups": (
            panel("Look-ups", "ops", rate("mailmesh_directory_lookups_total", "kind, result")),
            panel("Look-ups: the slowest hundredth", "s", *slowest("mailmesh_directory_lookup_seconds", "kind")),
            panel("Entries", "short", gauge("mailmesh_directory_entries", "kind")),
        ),
        "Log-ins": (
            LOG_INS,
            panel("Verifying a password", "s", *times("mailmesh_password_verify_seconds", "scheme")),
            panel("Answers held back after failures", "s", *times("mailmesh_auth_delay_seconds")),
            panel("Verified log-ins that are remembered", "short", Query("mailmesh_directory_verified_logins{@}", "{{instance}}")),
        ),
        "Calls": SERVED,
        "Database": DATABASE,
    },
}

DASHBOARDS = {"mailmesh": ("Mailmesh", None, MESH)}
for _role, _rows in ROLES.items():
    DASHBOARDS[f"mailmesh-{_role}"] = (f"Mailmesh / {_role}", _role, {**_rows, "Process": PROCESS})


def selector(role):
    return 'job="$job"' if role is None else 'job="$job",instance=~"$instance"'


def expression(query, role):
    """The query as Grafana is given it."""
    return query.expr.replace("@", selector(role)).replace("[R]", "[$__rate_interval]")
