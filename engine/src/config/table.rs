//! The one table of settings: key, variable, kind with range, default, meaning.

use std::fmt::Write as _;

use crate::model::SHARDS;

/// What values a setting takes. Ranges are inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A whole number.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
        /// What is counted.
        unit: &'static str,
    },
    /// A number that is not money: a weight or a share.
    Number {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// An amount in GBP, written as text so that it stays exact.
    Money,
    /// `true` or `false`.
    Switch,
    /// Any text; empty for none.
    Text,
    /// An IP address.
    Address,
    /// A path; empty for the platform's own.
    Path,
    /// Texts; separated by commas in the environment.
    List,
    /// A count of rows (`500`), a share (`2.5%`), or `none`.
    ErrorLimit,
    /// A password; only from the environment or from a file that nobody else may read.
    Secret,
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SettingDoc {
    /// Key in the TOML file, with its section: `flow.flush_lines`.
    pub key: &'static str,
    /// Environment variable.
    pub env: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// The default, as TOML.
    pub default: &'static str,
    /// What it does, in a sentence or two.
    pub help: &'static str,
}

impl SettingDoc {
    /// Section and name; the section is empty for settings at the top.
    pub fn section_and_name(&self) -> (&'static str, &'static str) {
        self.key.split_once('.').unwrap_or(("", self.key))
    }

    /// Whether its value must never be shown.
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret)
    }
}

const fn count(min: i64, max: i64, unit: &'static str) -> Kind {
    Kind::Integer { min, max, unit }
}

const fn row(
    key: &'static str,
    env: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> SettingDoc {
    SettingDoc {
        key,
        env,
        kind,
        default,
        help,
    }
}

const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
/// 365 days; longer than anything that is waited for.
const YEAR_SECS: i64 = 31_536_000;

/// Every setting, in the order in which the template shows them.
#[rustfmt::skip]
pub const SETTINGS: &[SettingDoc] = &[
    row("mode", "RETAIL_MODE", Kind::Choice(&["embedded", "live"]), "\"embedded\"",
        "Where the log and the store are: inside this process, or Kafka and Cassandra."),
    row("data_dir", "RETAIL_DATA_DIR", Kind::Path, "\"\"",
        "Where the log, the replicas and the log files are kept. Empty: the platform's place for \
         the data of a program."),

    row("log.partitions", "RETAIL_LOG_PARTITIONS", count(1, SHARDS as i64, "partitions"), "3",
        "Partitions per topic, fixed when the topics are made. An invoice's shard (of 12) decides \
         its partition."),
    row("log.retention_hours", "RETAIL_LOG_RETENTION_HOURS", count(0, 87_600, "hours"), "168",
        "How long consumed records stay readable for replay, at least; what is not consumed stays \
         in any case. 0: for ever."),

    row("flow.flush_lines", "RETAIL_FLUSH_LINES", count(100, 1_000_000, "lines"), "25000",
        "Lines that a consumer gathers into one durable write. Fewer: earlier visible; more: \
         fewer syncs."),
    row("flow.flush_interval_ms", "RETAIL_FLUSH_INTERVAL_MS", count(10, 60_000, "ms"), "250",
        "Longest wait for a flush to fill."),
    row("flow.read_queue", "RETAIL_READ_QUEUE", count(1, 64, "groups"), "2",
        "Groups of lines between the reader and the log. Bounds memory: full, the reader waits."),
    row("flow.write_queue", "RETAIL_WRITE_QUEUE", count(1, 64, "flushes"), "2",
        "Flushes between a consumer and each replica. Bounds memory: full, the consumer waits."),
    row("flow.rate_limit_lines", "RETAIL_RATE_LIMIT_LINES", count(0, 100_000_000, "lines/s"), "0",
        "Lines per second that a load reads at most. 0: as fast as it goes."),
    row("flow.error_limit", "RETAIL_ERROR_LIMIT", Kind::ErrorLimit, "\"none\"",
        "Rejected rows past which a load stops cleanly: a count (500), a share of the rows read \
         (2.5%), or none."),

    row("store.hint_window_secs", "RETAIL_HINT_WINDOW_SECS", count(1, YEAR_SECS, "s"), "10800",
        "How long writes for a data centre that is down are kept as hints. Past it the data \
         centre needs a repair."),
    row("store.request_timeout_ms", "RETAIL_REQUEST_TIMEOUT_MS", count(10, 60_000, "ms"), "1000",
        "How long a request waits for its consistency level."),

    row("failover.automatic", "RETAIL_FAILOVER_AUTOMATIC", Kind::Switch, "true",
        "Move a region to another data centre, and back, without being told."),
    row("failover.detection_ms", "RETAIL_FAILOVER_DETECTION_MS", count(100, 600_000, "ms"), "2000",
        "How long a region's own requests must fail before it moves."),
    row("failover.hold_down_ms", "RETAIL_FAILOVER_HOLD_DOWN_MS", count(0, 3_600_000, "ms"), "5000",
        "How long a data centre must answer, with equal digests, before its region returns. \
         Against flapping."),

    row("analytics.materialise_interval_ms", "RETAIL_MATERIALISE_INTERVAL_MS",
        count(100, 3_600_000, "ms"), "2000",
        "How often the tables for other programs are written while figures change."),
    row("analytics.weight_recency", "RETAIL_WEIGHT_RECENCY", Kind::Number { min: 0.0, max: 1.0 }, "0.35",
        "Weight of recency in the value score. The three weights sum to 1."),
    row("analytics.weight_frequency", "RETAIL_WEIGHT_FREQUENCY", Kind::Number { min: 0.0, max: 1.0 }, "0.35",
        "Weight of frequency in the value score."),
    row("analytics.weight_monetary", "RETAIL_WEIGHT_MONETARY", Kind::Number { min: 0.0, max: 1.0 }, "0.3",
        "Weight of the amount in the value score."),
    row("analytics.active_days", "RETAIL_ACTIVE_DAYS", count(1, 3_650, "days"), "30",
        "Recency up to which a customer counts as active."),
    row("analytics.inactive_days", "RETAIL_INACTIVE_DAYS", count(1, 3_650, "days"), "90",
        "Recency past which a customer counts as inactive; recently inactive between the two."),
    row("analytics.vip_amount", "RETAIL_VIP_AMOUNT", Kind::Money, "\"1000\"",
        "A VIP has bought for more than this."),
    row("analytics.vip_invoices", "RETAIL_VIP_INVOICES", count(0, 1_000_000, "invoices"), "5",
        "A VIP has more invoices than this."),
    row("analytics.vip_at_risk_days", "RETAIL_VIP_AT_RISK_DAYS", count(1, 3_650, "days"), "7",
        "Recency past which a VIP is at risk."),

    row("monitoring.address", "RETAIL_MONITORING_ADDRESS", Kind::Address, "\"127.0.0.1\"",
        "Where /metrics and /health listen. They ask for no password: another address than this \
         machine's own only where nobody else can reach it, such as inside a container."),
    row("monitoring.port", "MONITORING_PORT", count(0, 65_535, "port"), "9464",
        "Port of /metrics and /health on this machine; the next free one is taken when it is in \
         use. 0: none."),

    row("alerts.lag_lines", "RETAIL_ALERT_LAG_LINES", count(1, 1_000_000_000, "lines"), "100000",
        "Lines of a region that may wait for a minute before an alert."),
    row("alerts.lag_age_secs", "RETAIL_ALERT_LAG_AGE_SECS", count(1, YEAR_SECS, "s"), "300",
        "How old the oldest waiting line of a region may be, for a minute, before an alert."),
    row("alerts.write_errors_per_sec", "RETAIL_ALERT_WRITE_ERRORS", Kind::Number { min: 0.0, max: 1e6 },
        "1.0", "Writes per second that may fail at a data centre before an alert."),
    row("alerts.hint_window_share", "RETAIL_ALERT_HINT_WINDOW", Kind::Number { min: 0.0, max: 1.0 },
        "0.75", "Part of the hint window, 0 to 1, that may pass before an alert."),
    row("alerts.reject_share", "RETAIL_ALERT_REJECTS", Kind::Number { min: 0.0, max: 1.0 }, "0.1",
        "Part of the rows read, 0 to 1, that may be set aside before an alert."),
    row("alerts.disk_share", "RETAIL_ALERT_DISK", Kind::Number { min: 0.0, max: 1.0 }, "0.85",
        "Part of a disk, 0 to 1, that may be in use before an alert."),

    row("logging.level", "RETAIL_LOG", Kind::Choice(LEVELS), "\"warn\"",
        "What is told on the terminal; -v and -q move it by one level each."),
    row("logging.file_level", "RETAIL_LOG_FILE_LEVEL", Kind::Choice(LEVELS), "\"info\"",
        "What is told in the log files, as JSON lines in the data directory."),
    row("logging.files_max", "RETAIL_LOG_FILES_MAX", count(1, 1_000, "files"), "7",
        "Log files that are kept, one a day; the oldest is removed."),

    row("live.cassandra_contact_points", "CASSANDRA_CONTACT_POINTS", Kind::List, "[\"127.0.0.1:9042\"]",
        "Live mode: first nodes to ask, host:port."),
    row("live.cassandra_keyspace", "RETAIL_CASSANDRA_KEYSPACE", Kind::Text, "\"retail\"",
        "Live mode: the keyspace."),
    row("live.cassandra_username", "RETAIL_CASSANDRA_USERNAME", Kind::Text, "\"\"",
        "Live mode: the account. Empty: none."),
    row("live.cassandra_password", "RETAIL_CASSANDRA_PASSWORD", Kind::Secret, "\"\"",
        "Live mode: its password."),
    row("live.cassandra_replication", "RETAIL_CASSANDRA_REPLICATION", count(1, 9, "copies"), "1",
        "Live mode: copies of every line in each data centre, when setup makes the keyspace. Not \
         more than a data centre has nodes; 3 where it has as many."),
    row("live.cassandra_tls", "RETAIL_CASSANDRA_TLS", Kind::Switch, "false",
        "Live mode: encrypt the connections to the nodes and check their certificates."),
    row("live.cassandra_ca_file", "RETAIL_CASSANDRA_CA_FILE", Kind::Path, "\"\"",
        "Live mode: file of the certificates that the nodes' own are signed by (PEM). Empty: \
         those of the system."),
    row("live.cassandra_addresses", "RETAIL_CASSANDRA_ADDRESSES", Kind::List, "[]",
        "Live mode: where to reach nodes that announce addresses of a network of their own, such \
         as containers: announced=reachable, as in 172.20.0.11:9042=127.0.0.1:9042. All of them, \
         or none."),
    row("live.kafka_bootstrap_servers", "KAFKA_BOOTSTRAP_SERVERS", Kind::List, "[\"127.0.0.1:9092\"]",
        "Live mode: first brokers to ask, host:port."),
    row("live.kafka_username", "RETAIL_KAFKA_USERNAME", Kind::Text, "\"\"",
        "Live mode: the SASL account. Empty: none."),
    row("live.kafka_password", "RETAIL_KAFKA_PASSWORD", Kind::Secret, "\"\"",
        "Live mode: its password."),
    row("live.kafka_security", "RETAIL_KAFKA_SECURITY",
        Kind::Choice(&["plaintext", "tls", "sasl_plaintext", "sasl_tls"]), "\"plaintext\"",
        "Live mode: how connections to the brokers are protected. With sasl the account is used."),
    row("live.kafka_ca_file", "RETAIL_KAFKA_CA_FILE", Kind::Path, "\"\"",
        "Live mode: certificates of the authorities to trust, as PEM. Empty: the system's."),
    row("live.kafka_sasl_mechanism", "RETAIL_KAFKA_SASL_MECHANISM",
        Kind::Choice(&["plain", "scram_sha_256", "scram_sha_512"]), "\"scram_sha_512\"",
        "Live mode: how the account proves itself to the brokers."),
    row("live.kafka_replication", "RETAIL_KAFKA_REPLICATION", count(0, 15, "copies"), "0",
        "Live mode: copies of each topic when setup makes it; from 3 on two of them must have a \
         line before it counts. 0: what the brokers do by themselves."),
    row("live.kafka_topic_prefix", "RETAIL_KAFKA_TOPIC_PREFIX", Kind::Text, "\"\"",
        "Live mode: put before the name of every topic and consumer group, for a cluster that is \
         shared."),
    row("live.kafka_instance_id", "RETAIL_KAFKA_INSTANCE_ID", Kind::Text, "\"\"",
        "Live mode: name of this process in its consumer groups. With one, a restart within the \
         session time-out moves no partitions; two processes must not share it. Empty: none."),
    row("live.kafka_session_timeout_ms", "RETAIL_KAFKA_SESSION_TIMEOUT_MS",
        count(6_000, 300_000, "ms"), "15000",
        "Live mode: how long a consumer that is silent keeps its partitions."),

    row("lab.faults", "RETAIL_LAB_FAULTS", Kind::Choice(&["none", "native", "commands"]), "\"none\"",
        "Live mode: what breaks the servers for a drill. none: they are not a lab and are never \
         touched; native: those of `retail-engine lab`; commands: the commands below, run without \
         a shell, with {dc} (Europe_DC), {region} (europe) and {node} (1) put in."),
    row("lab.home", "RETAIL_LAB_HOME", Kind::Path, "\"\"",
        "Where the lab of `retail-engine lab` is kept. Empty: the platform's place for the data \
         of a program."),
    row("lab.dc_down", "RETAIL_LAB_DC_DOWN", Kind::Text, "\"\"",
        "With lab.faults = \"commands\": ends the node of a data centre at once."),
    row("lab.dc_up", "RETAIL_LAB_DC_UP", Kind::Text, "\"\"",
        "Starts it again."),
    row("lab.dc_pause", "RETAIL_LAB_DC_PAUSE", Kind::Text, "\"\"",
        "Stops it where it stands."),
    row("lab.dc_resume", "RETAIL_LAB_DC_RESUME", Kind::Text, "\"\"",
        "Lets it go on."),
    row("lab.broker_down", "RETAIL_LAB_BROKER_DOWN", Kind::Text, "\"\"",
        "Ends the broker at once."),
    row("lab.broker_up", "RETAIL_LAB_BROKER_UP", Kind::Text, "\"\"",
        "Starts it again."),
];

/// The setting of a key.
pub fn setting(key: &str) -> Option<&'static SettingDoc> {
    SETTINGS.iter().find(|doc| doc.key == key)
}

/// A settings file with every setting at its default, explained. Secrets are left out: their
/// variables are named instead.
pub fn template() -> String {
    let mut text = String::from("# Settings of the retail engine. Every one may be left out.\n");
    let mut current = "";
    for doc in SETTINGS {
        let (section, name) = doc.section_and_name();
        if section != current {
            write_line(&mut text, format_args!("\n[{section}]"));
            current = section;
        }
        write_line(&mut text, format_args!("\n# {}", doc.help));
        write_line(
            &mut text,
            format_args!("# {}; {}", doc.kind.expected(), doc.env),
        );
        if doc.is_secret() {
            write_line(&mut text, format_args!("# {name} = \"...\""));
        } else {
            write_line(&mut text, format_args!("{name} = {}", doc.default));
        }
    }
    text
}

fn write_line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    writeln!(text, "{line}").unwrap_or_default();
}
