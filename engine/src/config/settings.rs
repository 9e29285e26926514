//! Settings as used: typed, checked, and each value in its unit.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::secret::Secret;
use super::table::SETTINGS;

/// Where the log and the store are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Inside this process.
    Embedded,
    /// Kafka and Cassandra.
    Live,
}

impl Mode {
    /// The name in JSON, metric labels and on screen.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Live => "live",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// Rejected rows past which a load stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ErrorLimit {
    /// It never stops for rejects.
    None,
    /// More rows than this.
    Rows(u64),
    /// More than this share of the rows read, in percent, 0 to 100.
    Percent(f64),
}

impl ErrorLimit {
    /// The limit of a text: `none`, `500` or `2.5%`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("none") {
            return Some(Self::None);
        }
        match text.strip_suffix('%') {
            Some(share) => {
                let share: f64 = share.trim().parse().ok()?;
                (0.0..=100.0)
                    .contains(&share)
                    .then_some(Self::Percent(share))
            }
            None => text.replace('_', "").parse().ok().map(Self::Rows),
        }
    }

    /// Whether `rejected` of `read` rows are past the limit. A share is judged from the 1,000th
    /// row on: before it, one bad row could stop a good file.
    pub fn is_passed(self, rejected: u64, read: u64) -> bool {
        const ROWS_BEFORE_A_SHARE_COUNTS: u64 = 1_000;
        match self {
            Self::None => false,
            Self::Rows(limit) => rejected > limit,
            Self::Percent(limit) => {
                read >= ROWS_BEFORE_A_SHARE_COUNTS && rejected as f64 * 100.0 > read as f64 * limit
            }
        }
    }
}

impl fmt::Display for ErrorLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Percent(share) => write!(f, "{share}%"),
        }
    }
}

impl std::str::FromStr for ErrorLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| "a count of rows, a share up to 100%, or none".to_owned())
    }
}

impl Serialize for ErrorLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ErrorLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// What may need a person.
    Warn,
    /// What happened.
    Info,
    /// How.
    Debug,
    /// Every step.
    Trace,
}

impl LogLevel {
    const ALL: [Self; 6] = [
        Self::Off,
        Self::Error,
        Self::Warn,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// The level `steps` more (or, negative, less) talkative, within the levels that there are.
    #[must_use]
    pub fn moved(self, steps: i8) -> Self {
        let place = (self as usize).saturating_add_signed(isize::from(steps));
        Self::ALL.get(place).copied().unwrap_or(Self::Trace)
    }
}

/// Settings of the topics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// Partitions per topic, 1 to 12.
    pub partitions: u16,
    /// How long consumed records stay; `None` for ever.
    #[serde(rename = "retention_hours", with = "hours_or_none")]
    pub retention: Option<Duration>,
}

/// Settings of loading and consuming.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowSettings {
    /// Lines of one flush at most.
    pub flush_lines: u32,
    /// Longest wait for a flush to fill.
    #[serde(rename = "flush_interval_ms", with = "millis")]
    pub flush_interval: Duration,
    /// Capacity between reader and log, in groups of lines.
    pub read_queue: usize,
    /// Capacity between a consumer and each replica, in flushes.
    pub write_queue: usize,
    /// Lines per second of a load; `None` without limit.
    #[serde(rename = "rate_limit_lines", with = "zero_is_none")]
    pub rate_limit: Option<u64>,
    /// When a load stops for its rejects.
    pub error_limit: ErrorLimit,
}

/// Settings of the data centres.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// How long hints are kept.
    #[serde(rename = "hint_window_secs", with = "secs")]
    pub hint_window: Duration,
    /// How long a request waits for its level.
    #[serde(rename = "request_timeout_ms", with = "millis")]
    pub request_timeout: Duration,
}

/// Settings of failing over and back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailoverSettings {
    /// Whether regions move by themselves.
    pub automatic: bool,
    /// How long requests must fail first.
    #[serde(rename = "detection_ms", with = "millis")]
    pub detection: Duration,
    /// How long a data centre must be well before its region returns.
    #[serde(rename = "hold_down_ms", with = "millis")]
    pub hold_down: Duration,
}

/// Settings of the figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalyticsSettings {
    /// How often derived tables are written.
    #[serde(rename = "materialise_interval_ms", with = "millis")]
    pub materialise_interval: Duration,
    /// Weight of recency in the value score, 0 to 1.
    pub weight_recency: f64,
    /// Weight of frequency, 0 to 1.
    pub weight_frequency: f64,
    /// Weight of the amount, 0 to 1.
    pub weight_monetary: f64,
    /// Days up to which a customer is active.
    pub active_days: u32,
    /// Days past which a customer is inactive.
    pub inactive_days: u32,
    /// GBP that a VIP exceeds.
    pub vip_amount: Decimal,
    /// Invoices that a VIP exceeds.
    pub vip_invoices: u64,
    /// Days past which a VIP is at risk.
    pub vip_at_risk_days: u32,
}

/// Settings of the metrics endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonitoringSettings {
    /// Where it listens.
    pub address: IpAddr,
    /// First port to try; 0 for no endpoint.
    pub port: u16,
}

/// From where on something is an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertSettings {
    /// Lines of a region that wait.
    pub lag_lines: u64,
    /// Age of the oldest of them.
    #[serde(rename = "lag_age_secs", with = "secs")]
    pub lag_age: Duration,
    /// Failed writes per second at a data centre.
    pub write_errors_per_sec: f64,
    /// Part of the hint window, 0 to 1.
    pub hint_window_share: f64,
    /// Part of the rows read that were set aside, 0 to 1.
    pub reject_share: f64,
    /// Part of a disk in use, 0 to 1.
    pub disk_share: f64,
}

/// Settings of what is told, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggingSettings {
    /// On the terminal.
    pub level: LogLevel,
    /// In the files.
    pub file_level: LogLevel,
    /// Files kept.
    pub files_max: usize,
}

/// How the connections to Kafka are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KafkaSecurity {
    /// Neither encrypted nor logged in.
    Plaintext,
    /// Encrypted, without an account.
    Tls,
    /// With an account, not encrypted.
    SaslPlaintext,
    /// Encrypted, with an account.
    SaslTls,
}

impl KafkaSecurity {
    /// Whether an account is logged in with.
    pub const fn has_account(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslTls)
    }

    /// Whether connections are encrypted.
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::SaslTls)
    }
}

/// How the Kafka account proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaslMechanism {
    /// The password itself.
    #[serde(rename = "plain")]
    Plain,
    /// A proof of the password by SHA-256.
    #[serde(rename = "scram_sha_256")]
    ScramSha256,
    /// A proof of the password by SHA-512.
    #[serde(rename = "scram_sha_512")]
    ScramSha512,
}

/// Settings of live mode: read and checked in every mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveSettings {
    /// First Cassandra nodes, host:port.
    pub cassandra_contact_points: Vec<String>,
    /// The keyspace.
    pub cassandra_keyspace: String,
    /// The account; empty for none.
    pub cassandra_username: String,
    /// Its password.
    #[serde(default)]
    pub cassandra_password: Secret,
    /// Copies of every line in each data centre, when the keyspace is made.
    pub cassandra_replication: u8,
    /// Whether connections to the nodes are encrypted.
    pub cassandra_tls: bool,
    /// Certificates that the nodes' own are signed by, PEM; empty for those of the system.
    pub cassandra_ca_file: PathBuf,
    /// Where nodes are reached that announce an address of their own network: announced=reachable.
    pub cassandra_addresses: Vec<String>,
    /// First Kafka brokers, host:port.
    pub kafka_bootstrap_servers: Vec<String>,
    /// The SASL account; empty for none.
    pub kafka_username: String,
    /// Its password.
    #[serde(default)]
    pub kafka_password: Secret,
    /// How connections to the brokers are protected.
    pub kafka_security: KafkaSecurity,
    /// Certificates of the authorities to trust; empty for the system's own.
    pub kafka_ca_file: PathBuf,
    /// How the account proves itself.
    pub kafka_sasl_mechanism: SaslMechanism,
    /// Copies of each topic; `None` for what the brokers do by themselves.
    #[serde(with = "zero_is_none")]
    pub kafka_replication: Option<u64>,
    /// Before the name of every topic and group.
    pub kafka_topic_prefix: String,
    /// Name of this process in its groups; empty for a new one at each start.
    pub kafka_instance_id: String,
    /// How long a silent process keeps its partitions.
    #[serde(rename = "kafka_session_timeout_ms", with = "millis")]
    pub kafka_session_timeout: Duration,
}

/// What breaks and mends the servers of live mode for a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultsBy {
    /// Nothing: they are not a lab.
    None,
    /// The lab of this program.
    Native,
    /// Commands.
    Commands,
}

/// Settings of a lab: servers that may be broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabSettings {
    /// What breaks and mends them.
    pub faults: FaultsBy,
    /// Where the native lab is kept; empty for the platform's place.
    pub home: PathBuf,
    /// Ends the node of a data centre at once.
    pub dc_down: String,
    /// Starts it again.
    pub dc_up: String,
    /// Stops it where it stands.
    pub dc_pause: String,
    /// Lets it go on.
    pub dc_resume: String,
    /// Ends the broker at once.
    pub broker_down: String,
    /// Starts it again.
    pub broker_up: String,
}

/// Everything that an engine is opened with.
///
/// Serialising gives the shape of the settings file, with secrets masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Embedded or live.
    pub mode: Mode,
    /// Where everything durable is kept; never empty.
    pub data_dir: PathBuf,
    /// The topics.
    pub log: LogSettings,
    /// Loading and consuming.
    pub flow: FlowSettings,
    /// The data centres.
    pub store: StoreSettings,
    /// Failing over and back.
    pub failover: FailoverSettings,
    /// The figures.
    pub analytics: AnalyticsSettings,
    /// The metrics endpoint.
    pub monitoring: MonitoringSettings,
    /// From where on something is an alert.
    pub alerts: AlertSettings,
    /// What is told.
    pub logging: LoggingSettings,
    /// Live mode.
    pub live: LiveSettings,
    /// Servers of live mode that may be broken.
    pub lab: LabSettings,
}

impl Settings {
    /// The defaults, with data in `dir`.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "the table is constant, and a test reads every default in it"
    )]
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        let mut text = String::new();
        for doc in SETTINGS {
            text.push_str(doc.key);
            text.push_str(" = ");
            text.push_str(doc.default);
            text.push('\n');
        }
        let mut settings: Self = toml::from_str(&text).expect("the defaults fit the settings");
        settings.data_dir = dir.into();
        settings
    }

    /// Folder of the log files.
    pub fn log_files_dir(&self) -> PathBuf {
        self.data_dir.join("logs")
    }

    /// The platform's place for this program's data; `None` for an account without a home.
    pub fn platform_data_dir() -> Option<PathBuf> {
        directories::ProjectDirs::from("", "", "retail-engine")
            .map(|dirs| dirs.data_dir().to_path_buf())
            .filter(|dir| dir != Path::new(""))
    }
}

/// Durations by the unit in their key. Ranges were checked before, so that no value is negative.
macro_rules! duration_unit {
    ($name:ident, $from:ident, $to:expr) => {
        mod $name {
            use std::time::Duration;

            use serde::{Deserialize, Deserializer, Serializer};

            pub(super) fn serialize<S: Serializer>(
                value: &Duration,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                let count: fn(&Duration) -> u64 = $to;
                serializer.serialize_u64(count(value))
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Duration, D::Error> {
                u64::deserialize(deserializer).map(Duration::$from)
            }
        }
    };
}

duration_unit!(millis, from_millis, |d| u64::try_from(d.as_millis())
    .unwrap_or(u64::MAX));
duration_unit!(secs, from_secs, |d| d.as_secs());

mod zero_is_none {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.unwrap_or(0))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        u64::deserialize(deserializer).map(|value| (value > 0).then_some(value))
    }
}

mod hours_or_none {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    const SECS_PER_HOUR: u64 = 3_600;

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.map_or(0, |time| time.as_secs() / SECS_PER_HOUR))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let hours = u64::deserialize(deserializer)?;
        Ok((hours > 0).then(|| Duration::from_secs(hours * SECS_PER_HOUR)))
    }
}
