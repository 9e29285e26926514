//! Connection profiles: settings files of live mode in a folder beside the data, one per cluster.
//! They are what the engine reads with `--config`; passwords are never in them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use retail_engine::config::{
    FaultsBy, FlagValue, KafkaSecurity, LabSettings, LiveSettings, SaslMechanism, Settings, Sources,
};

use crate::start::ProfileKind;

/// A profile as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its name; the name of its file.
    pub name: String,
    /// Brokers, host:port, separated by commas.
    pub brokers: String,
    /// How the connections to the brokers are protected.
    pub kafka_security: KafkaSecurity,
    /// Certificates of the authorities to trust; empty for those of the system.
    pub kafka_ca_file: String,
    /// How the account proves itself.
    pub kafka_mechanism: SaslMechanism,
    /// The SASL account; empty for none.
    pub kafka_user: String,
    /// Nodes, host:port, separated by commas.
    pub nodes: String,
    /// Where to reach nodes that announce other addresses, announced=reachable, separated by commas;
    /// empty where they announce those at which they are reached.
    pub addresses: String,
    /// The keyspace.
    pub keyspace: String,
    /// The account; empty for none.
    pub cassandra_user: String,
    /// Whether its servers may be broken, and by what.
    pub lab: LabSettings,
}

impl Default for Draft {
    /// Nothing is named, and the servers are no lab.
    fn default() -> Self {
        let settings = Settings::in_dir("");
        Self {
            brokers: String::new(),
            nodes: String::new(),
            addresses: String::new(),
            keyspace: String::new(),
            ..Self::of("", &settings)
        }
    }
}

impl Draft {
    /// Of settings.
    pub fn of(name: &str, settings: &Settings) -> Self {
        let live = &settings.live;
        Self {
            name: name.to_owned(),
            brokers: live.kafka_bootstrap_servers.join(", "),
            kafka_security: live.kafka_security,
            kafka_ca_file: live.kafka_ca_file.display().to_string(),
            kafka_mechanism: live.kafka_sasl_mechanism,
            kafka_user: live.kafka_username.clone(),
            nodes: live.cassandra_contact_points.join(", "),
            addresses: live.cassandra_addresses.join(", "),
            keyspace: live.cassandra_keyspace.clone(),
            cassandra_user: live.cassandra_username.clone(),
            lab: settings.lab.clone(),
        }
    }

    /// What may be done to its servers.
    pub const fn kind(&self) -> ProfileKind {
        match self.lab.faults {
            FaultsBy::None => ProfileKind::Prod,
            FaultsBy::Native | FaultsBy::Commands => ProfileKind::Lab,
        }
    }

    /// As the engine has it; passwords are those that this program was given.
    pub fn live(&self, given: &LiveSettings) -> LiveSettings {
        LiveSettings {
            kafka_bootstrap_servers: list(&self.brokers),
            kafka_security: self.kafka_security,
            kafka_ca_file: PathBuf::from(self.kafka_ca_file.trim()),
            kafka_sasl_mechanism: self.kafka_mechanism,
            kafka_username: self.kafka_user.trim().to_owned(),
            kafka_password: given.kafka_password.clone(),
            cassandra_contact_points: list(&self.nodes),
            cassandra_addresses: list(&self.addresses),
            cassandra_keyspace: self.keyspace.trim().to_owned(),
            cassandra_username: self.cassandra_user.trim().to_owned(),
            cassandra_password: given.cassandra_password.clone(),
            ..given.clone()
        }
    }

    /// As a settings file, without passwords.
    pub fn toml(&self) -> String {
        let texts = |text: &str| {
            let items: Vec<String> = list(text).iter().map(|item| quoted(item)).collect();
            format!("[{}]", items.join(", "))
        };
        let mut file = format!("# Profile {} of the retail engine.\n", self.name.trim());
        file.push_str(
            "# Passwords are not kept here: RETAIL_KAFKA_PASSWORD, RETAIL_CASSANDRA_PASSWORD.\n\
             mode = \"live\"\n\n[live]\n",
        );
        for (key, value) in [
            ("kafka_bootstrap_servers", texts(&self.brokers)),
            ("kafka_security", written(&self.kafka_security)),
            ("kafka_ca_file", quoted(self.kafka_ca_file.trim())),
            ("kafka_sasl_mechanism", written(&self.kafka_mechanism)),
            ("kafka_username", quoted(self.kafka_user.trim())),
            ("cassandra_contact_points", texts(&self.nodes)),
            ("cassandra_addresses", texts(&self.addresses)),
            ("cassandra_keyspace", quoted(self.keyspace.trim())),
            ("cassandra_username", quoted(self.cassandra_user.trim())),
        ] {
            let _infallible = writeln!(file, "{key} = {value}");
        }
        if self.lab.faults != FaultsBy::None {
            file.push_str("\n# Its servers are there to be broken.\n[lab]\n");
            let lab = &self.lab;
            let _infallible = writeln!(file, "faults = {}", written(&lab.faults));
            let home = lab.home.display().to_string();
            for (key, value) in [
                ("home", &home),
                ("dc_down", &lab.dc_down),
                ("dc_up", &lab.dc_up),
                ("dc_pause", &lab.dc_pause),
                ("dc_resume", &lab.dc_resume),
                ("broker_down", &lab.broker_down),
                ("broker_up", &lab.broker_up),
            ] {
                if !value.is_empty() {
                    let _infallible = writeln!(file, "{key} = {}", quoted(value));
                }
            }
        }
        file
    }

    /// Why it cannot be saved; `None` when it can.
    pub fn fault(&self) -> Option<&'static str> {
        let name = self.name.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() {
            Some("give the profile a name")
        } else if !name.chars().all(plain) {
            Some("a name has letters, digits, - and _ only")
        } else if self.kafka_security.has_account() && self.kafka_user.trim().is_empty() {
            Some("name the account of Kafka")
        } else {
            None
        }
    }

    /// In one line: how many of what.
    pub fn summary(&self) -> String {
        let (brokers, nodes) = (list(&self.brokers).len(), list(&self.nodes).len());
        let of = |many: usize, what: &str| match many {
            1 => format!("1 {what}"),
            many => format!("{many} {what}s"),
        };
        format!("{} \u{b7} {}", of(brokers, "broker"), of(nodes, "node"))
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(|item| item.trim().to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

/// A text of TOML: what JSON escapes, TOML reads.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A choice as a settings file has it.
fn written(choice: &impl serde::Serialize) -> String {
    // The choices of the settings are plain names.
    serde_json::to_string(choice).unwrap_or_default()
}

/// Where profiles are kept.
pub fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("profiles")
}

/// A profile of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// What it says, or why it cannot be read.
    pub draft: Result<Draft, String>,
}

/// Those of the folder, by name.
pub fn all(data_dir: &Path) -> Vec<Profile> {
    let Ok(files) = std::fs::read_dir(folder(data_dir)) else {
        return Vec::new();
    };
    let mut profiles: Vec<Profile> = files
        .filter_map(Result::ok)
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .map(|path| Profile {
            name: stem(&path),
            draft: read(&path),
        })
        .collect();
    profiles.sort_by(|a, b| a.name.cmp(&b.name));
    profiles
}

/// Reads a settings file, or a `.env` file, as a profile: by the rules of the engine.
pub fn read(path: &Path) -> Result<Draft, String> {
    let parent = path.parent().unwrap_or(Path::new(".")).to_path_buf();
    let is_env = path.file_name().is_some_and(|name| name == ".env");
    let mut sources = Sources {
        config: (!is_env).then(|| path.to_path_buf()),
        working_dir: parent.clone(),
        ..Sources::default()
    };
    // A profile says nothing of where data is kept, and must not look for it.
    sources.flags.push(FlagValue {
        key: "data_dir".into(),
        value: parent.join("profile-without-data").display().to_string(),
        flag: "--data-dir".into(),
    });
    match sources.load() {
        Ok(loaded) => Ok(Draft::of(&stem(path), &loaded.settings)),
        Err(error) => Err(format!("{error}; {}", error.remedy())),
    }
}

/// Writes a profile into the folder: beside, then renamed.
pub fn write(data_dir: &Path, draft: &Draft) -> Result<PathBuf, String> {
    let folder = folder(data_dir);
    let path = folder.join(format!("{}.toml", draft.name.trim()));
    let beside = folder.join(format!(".{}.new", draft.name.trim()));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&beside, draft.toml()))
        .and_then(|()| std::fs::rename(&beside, &path))
        .map_err(|error| format!("{} was not saved: {error}", path.display()))?;
    Ok(path)
}

fn stem(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name: String = name.chars().filter(|c| plain(*c)).collect();
    if name.is_empty() || name == "env" {
        "imported".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use retail_engine::config::Secret;

    use super::*;

    #[test]
    fn a_saved_profile_is_a_settings_file_of_the_engine_without_passwords() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::in_dir("x");
        settings.lab.faults = FaultsBy::Native;
        let live = &mut settings.live;
        live.kafka_security = KafkaSecurity::SaslTls;
        live.kafka_sasl_mechanism = SaslMechanism::ScramSha256;
        live.kafka_ca_file = "/etc/ca.pem".into();
        live.kafka_bootstrap_servers = vec!["a:1".into(), "b:2".into()];
        live.cassandra_addresses = vec!["10.0.0.1:9042=127.0.0.1:9042".into()];
        live.kafka_username = "con\"sole".into();
        live.kafka_password = Secret::new("canary-secret");
        let draft = Draft::of("lab-3dc", &settings);
        let live = &settings.live;
        assert_eq!(draft.kind(), ProfileKind::Lab);
        let path = write(dir.path(), &draft).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("canary-secret"), "{text}");
        let all = all(dir.path());
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].draft.as_ref().unwrap(), &draft);
        assert_eq!(draft.live(live).kafka_password, live.kafka_password);
    }

    #[test]
    fn a_file_that_the_engine_refuses_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bad.toml");
        std::fs::write(&path, "[live]\nkafka_brokers = []\n").unwrap();
        let why = read(&path).unwrap_err();
        assert!(why.contains("kafka_brokers"), "{why}");
        let env = dir.path().join(".env");
        std::fs::write(&env, "KAFKA_BOOTSTRAP_SERVERS=k1:9092,k2:9092\n").unwrap();
        let draft = read(&env).unwrap();
        assert_eq!(draft.brokers, "k1:9092, k2:9092");
        assert_eq!(draft.name, "imported");
    }

    #[test]
    fn a_name_that_is_no_file_name_is_refused() {
        let named = |name: &str| Draft {
            name: name.into(),
            ..Draft::default()
        };
        assert!(named("").fault().is_some());
        assert!(named("../x").fault().is_some());
        assert!(named("lab-3dc").fault().is_none());
        let nobody = Draft {
            kafka_security: KafkaSecurity::SaslTls,
            ..named("prod")
        };
        assert_eq!(nobody.fault(), Some("name the account of Kafka"));
    }
}
