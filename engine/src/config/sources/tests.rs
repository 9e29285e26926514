use std::time::Duration;

use proptest::prelude::*;
use rust_decimal::Decimal;
use tempfile::TempDir;

use super::*;
use crate::config::{ErrorLimit, FaultsBy, Kind, LogLevel, Mode, template};

/// A machine with nothing set: every test writes what it needs.
struct Machine {
    dir: TempDir,
    sources: Sources,
}

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut sources = Sources {
            working_dir: dir.path().to_path_buf(),
            ..Sources::default()
        };
        sources.flags.push(FlagValue {
            key: "data_dir".to_owned(),
            value: dir.path().to_string_lossy().into_owned(),
            flag: "--data-dir".to_owned(),
        });
        Self { dir, sources }
    }

    fn file(self, text: &str) -> Self {
        fs::write(self.dir.path().join(CONFIG_FILE_NAME), text).unwrap();
        self
    }

    fn dot_env(self, text: &str) -> Self {
        fs::write(self.dir.path().join(".env"), text).unwrap();
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.sources.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn flag(mut self, key: &str, value: &str) -> Self {
        self.sources.flags.push(FlagValue {
            key: key.to_owned(),
            value: value.to_owned(),
            flag: "--set".to_owned(),
        });
        self
    }

    fn mode(self, name: &str, mode: u32) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let path = self.dir.path().join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        self.sources.load()
    }

    fn error(&self) -> String {
        let error = self.load().unwrap_err();
        assert!(!error.remedy().is_empty());
        error.to_string()
    }
}

#[test]
fn the_table_and_the_settings_have_the_same_keys_and_defaults() {
    let settings = Settings::in_dir("");
    let table = Table::try_from(&settings).unwrap();
    let mut keys = Vec::new();
    for (name, value) in &table {
        match value {
            Value::Table(section) => {
                keys.extend(
                    section
                        .iter()
                        .map(|(k, v)| (format!("{name}.{k}"), v.clone())),
                );
            }
            value => keys.push((name.clone(), value.clone())),
        }
    }
    keys.sort_by(|a, b| a.0.cmp(&b.0));
    let mut documented: Vec<_> = SETTINGS
        .iter()
        .map(|doc| {
            let mut parsed: Table = format!("v = {}", doc.default).parse().unwrap();
            (doc.key.to_owned(), parsed.remove("v").unwrap())
        })
        .collect();
    documented.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(keys, documented);
}

#[test]
fn every_default_is_within_its_own_range_and_every_variable_is_used_once() {
    let mut variables: Vec<_> = SETTINGS.iter().map(|doc| doc.env).collect();
    variables.sort_unstable();
    assert!(variables.windows(2).all(|pair| pair[0] != pair[1]));
    for doc in SETTINGS {
        let mut parsed: Table = format!("v = {}", doc.default).parse().unwrap();
        let value = parsed.remove("v").unwrap();
        let checked = doc.kind.check(&Raw::Toml(value.clone()));
        assert_eq!(checked, Some(value), "{}", doc.key);
        assert!(doc.help.ends_with('.'), "{}", doc.key);
    }
}

#[test]
fn the_template_reads_back_as_the_defaults() {
    let machine = Machine::new();
    let text = template().replace("data_dir = \"\"\n", "");
    let machine = machine.file(&text);
    let loaded = machine.load().unwrap();
    assert_eq!(loaded.settings, Settings::in_dir(machine.dir.path()));
    for doc in SETTINGS {
        assert!(text.contains(doc.env), "{} is not in the template", doc.env);
        let in_file = matches!(loaded.origins[doc.key], Source::File { .. });
        assert_eq!(
            in_file,
            !doc.is_secret() && doc.key != "data_dir",
            "{}",
            doc.key
        );
    }
}

#[test]
fn a_later_source_wins_over_an_earlier_one() {
    let key = "flow.flush_lines";
    let lines = |machine: &Machine| {
        let loaded = machine.load().unwrap();
        (
            loaded.settings.flow.flush_lines,
            loaded.origins[key].to_string(),
        )
    };
    let machine = Machine::new();
    assert_eq!(lines(&machine), (25_000, "the default".to_owned()));
    let machine = machine.file("# first\n[flow]\nflush_lines = 1_000\n");
    let path = machine.dir.path().join(CONFIG_FILE_NAME);
    assert_eq!(
        lines(&machine),
        (1_000, format!("line 3 of {}", path.display()))
    );
    let machine = machine.dot_env("OTHER=1\nRETAIL_FLUSH_LINES=2000\n");
    let path = machine.dir.path().join(".env");
    assert_eq!(
        lines(&machine),
        (2_000, format!("line 2 of {}", path.display()))
    );
    let machine = machine.env("RETAIL_FLUSH_LINES", "3_000");
    assert_eq!(
        lines(&machine),
        (
            3_000,
            "the environment variable RETAIL_FLUSH_LINES".to_owned()
        )
    );
    let machine = machine.flag(key, "4000");
    assert_eq!(lines(&machine), (4_000, "--set".to_owned()));
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest_known_one() {
    for (text, line, expect) in [
        (
            "[flow]\nflush_line = 5\n",
            2,
            "unknown setting \"flow.flush_line\" (did you mean \"flow.flush_lines\"?)",
        ),
        (
            "\n\nmod = \"live\"\n",
            3,
            "unknown setting \"mod\" (did you mean \"mode\"?)",
        ),
        (
            "partitions = 3\n",
            1,
            "unknown setting \"partitions\" (did you mean \"log.partitions\"?)",
        ),
        (
            "[zebra]\nstripes = 5\n",
            2,
            "unknown setting \"zebra.stripes\", in",
        ),
    ] {
        let machine = Machine::new().file(text);
        let error = machine.error();
        assert!(error.starts_with(expect), "{error}");
        assert!(error.contains(&format!("line {line} of ")), "{error}");
        assert!(error.contains(CONFIG_FILE_NAME), "{error}");
    }
    let error = Machine::new().env("RETAIL_FLUSH_LINE", "5").error();
    assert!(
        error.contains("did you mean \"RETAIL_FLUSH_LINES\"?"),
        "{error}"
    );
    let error = Machine::new().dot_env("A=b\nRETAIL_X=5\n").error();
    assert!(error.contains("line 2 of "), "{error}");
    let error = Machine::new().flag("flow.flushlines", "5").error();
    assert!(
        error.contains("\"flow.flush_lines\"") && error.contains("--set"),
        "{error}"
    );
}

#[test]
fn a_value_out_of_range_is_refused_with_key_value_range_and_source() {
    for (name, value, key, range) in [
        (
            "RETAIL_LOG_PARTITIONS",
            "13",
            "log.partitions",
            "1 to 12 partitions",
        ),
        (
            "RETAIL_LOG_PARTITIONS",
            "0",
            "log.partitions",
            "1 to 12 partitions",
        ),
        (
            "RETAIL_FLUSH_LINES",
            "many",
            "flow.flush_lines",
            "100 to 1000000 lines",
        ),
        (
            "MONITORING_PORT",
            "70000",
            "monitoring.port",
            "0 to 65535 port",
        ),
        ("RETAIL_MODE", "cloud", "mode", "one of embedded, live"),
        (
            "RETAIL_ERROR_LIMIT",
            "101%",
            "flow.error_limit",
            "a share up to 100%",
        ),
        (
            "RETAIL_ERROR_LIMIT",
            "-1",
            "flow.error_limit",
            "a count of rows",
        ),
        (
            "RETAIL_WEIGHT_RECENCY",
            "NaN",
            "analytics.weight_recency",
            "a number, 0 to 1",
        ),
        (
            "RETAIL_VIP_AMOUNT",
            "-0.01",
            "analytics.vip_amount",
            "0 or more",
        ),
        (
            "RETAIL_FAILOVER_AUTOMATIC",
            "maybe",
            "failover.automatic",
            "true or false",
        ),
        (
            "KAFKA_BOOTSTRAP_SERVERS",
            "a:1,,b:2",
            "live.kafka_bootstrap_servers",
            "a list",
        ),
    ] {
        let error = Machine::new().env(name, value).error();
        for part in [
            key,
            value,
            range,
            &format!("the environment variable {name}"),
        ] {
            assert!(error.contains(part), "{part:?} is not in {error}");
        }
    }
    let error = Machine::new().file("[log]\npartitions = \"3\"\n").error();
    assert!(
        error.contains("log.partitions = \"3\""),
        "a text is not a number: {error}"
    );
}

#[test]
fn values_take_their_types() {
    let loaded = Machine::new()
        .env("RETAIL_ERROR_LIMIT", "2.5%")
        .env("RETAIL_VIP_AMOUNT", "1000.005")
        .env("RETAIL_LOG_RETENTION_HOURS", "48")
        .env("RETAIL_RATE_LIMIT_LINES", "5000")
        .env("RETAIL_LOG", "DEBUG")
        .env("KAFKA_BOOTSTRAP_SERVERS", "a:9092, b:9092")
        .env("CASSANDRA_CONTACT_POINTS", "")
        .env("RETAIL_MODE", "live")
        .load()
        .unwrap();
    let settings = loaded.settings;
    assert_eq!(settings.flow.error_limit, ErrorLimit::Percent(2.5));
    assert_eq!(settings.analytics.vip_amount, Decimal::new(1_000_005, 3));
    assert_eq!(settings.log.retention, Some(Duration::from_hours(48)));
    assert_eq!(settings.flow.rate_limit, Some(5_000));
    assert_eq!(settings.logging.level, LogLevel::Debug);
    assert_eq!(settings.live.kafka_bootstrap_servers, ["a:9092", "b:9092"]);
    assert_eq!(
        settings.live.cassandra_contact_points,
        ["127.0.0.1:9042"],
        "an empty variable counts as not set"
    );
    assert_eq!(settings.mode, Mode::Live);
    let settings = Machine::new()
        .file("[flow]\nerror_limit = 500\n")
        .load()
        .unwrap()
        .settings;
    assert_eq!(settings.flow.error_limit, ErrorLimit::Rows(500));
}

#[test]
fn every_profile_that_comes_with_the_program_can_be_read() {
    for (name, mode, faults) in [
        ("embedded", Mode::Embedded, FaultsBy::None),
        ("lab", Mode::Live, FaultsBy::Native),
        ("docker", Mode::Live, FaultsBy::Commands),
    ] {
        let mut machine = Machine::new();
        machine.sources.profile = Some(name.to_owned());
        let loaded = machine.load().unwrap();
        assert_eq!(loaded.settings.mode, mode);
        assert_eq!(loaded.settings.lab.faults, faults);
        assert_eq!(loaded.profile.as_deref(), Some(name));
        assert_eq!(
            loaded.origins["mode"].to_string(),
            format!("the profile {name}")
        );
        let lab = &loaded.settings.lab;
        let commands = [&lab.dc_down, &lab.dc_up, &lab.dc_pause, &lab.dc_resume];
        let has_commands = faults == FaultsBy::Commands;
        assert!(commands.into_iter().all(|c| c.is_empty() != has_commands));
    }
    assert_eq!(Machine::new().load().unwrap().profile, None);
}

#[test]
fn a_profile_is_above_the_file_and_below_the_environment() {
    const FILE: &str = "[live]\ncassandra_keyspace = \"general\"\n\
        kafka_bootstrap_servers = [\"general:1\"]\n\
        [profiles.docker.live]\ncassandra_keyspace = \"mine\"\n\
        [profiles.staging]\nmode = \"live\"\n";
    let mut machine = Machine::new().file(FILE).env("RETAIL_PROFILE", "docker");
    let loaded = machine.load().unwrap();
    assert_eq!(loaded.settings.live.cassandra_keyspace, "mine");
    assert_eq!(
        loaded.settings.live.kafka_bootstrap_servers,
        ["127.0.0.1:9092"]
    );
    assert!(
        loaded.origins["live.cassandra_keyspace"]
            .to_string()
            .starts_with("line 5 of")
    );
    // A flag names another one than the environment.
    machine.sources.profile = Some("staging".to_owned());
    let loaded = machine.load().unwrap();
    assert_eq!(loaded.settings.mode, Mode::Live);
    assert_eq!(loaded.settings.live.cassandra_keyspace, "general");
    let machine = machine
        .env("RETAIL_MODE", "embedded")
        .dot_env("RETAIL_CASSANDRA_KEYSPACE=dot\n");
    let loaded = machine.load().unwrap();
    assert_eq!(loaded.settings.mode, Mode::Embedded);
    assert_eq!(loaded.settings.live.cassandra_keyspace, "dot");
}

#[test]
fn a_profile_of_its_own_file_and_one_that_is_not_there() {
    let mut machine = Machine::new().dot_env("RETAIL_PROFILE=production\n");
    let error = machine.error();
    assert!(
        error.contains("\"production\", named by line 1 of"),
        "{error}"
    );
    assert!(error.contains("embedded, lab, docker"), "{error}");
    let path = machine.dir.path().join("own.toml");
    fs::write(&path, "[live]\nkafka_username = \"retail\"\n").unwrap();
    machine.sources.profile = Some(path.display().to_string());
    let loaded = machine.load().unwrap();
    assert_eq!(loaded.settings.live.kafka_username, "retail");
    fs::write(&path, "[live]\nkafka_usrname = \"retail\"\n").unwrap();
    assert!(machine.error().contains("own.toml"));
    // As the console writes them.
    let folder = machine.dir.path().join("profiles");
    fs::create_dir(&folder).unwrap();
    fs::write(
        folder.join("v1.2.toml"),
        "[live]\nkafka_username = \"desk\"\n",
    )
    .unwrap();
    machine.sources.profile = Some("v1.2".to_owned());
    let loaded = machine.load().unwrap();
    assert_eq!(loaded.settings.live.kafka_username, "desk");
    // A profile is not the place for the folder that its file was found in.
    let machine = Machine::new().file("[profiles.a]\ndata_dir = \"x\"\n");
    let mut machine = machine;
    machine.sources.profile = Some("a".to_owned());
    assert!(machine.error().starts_with("data_dir cannot be set"));
}

#[test]
fn settings_that_do_not_fit_together_are_refused_by_name() {
    let error = Machine::new().env("RETAIL_WEIGHT_RECENCY", "0.5").error();
    assert!(error.contains("must sum to 1"), "{error}");
    assert!(
        error.contains("analytics.weight_recency = 0.5 (from the environment"),
        "{error}"
    );
    let error = Machine::new().env("RETAIL_INACTIVE_DAYS", "20").error();
    assert!(
        error.contains("analytics.active_days = 30 (from the default)"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_no_toml_names_line_and_column() {
    let error = Machine::new().file("[flow]\nflush_lines = = 3\n").error();
    assert!(error.starts_with("line 2, column "), "{error}");
}

#[test]
fn a_named_file_must_be_there_and_may_name_the_data_directory() {
    let mut machine = Machine::new();
    machine.sources.flags.clear();
    let path = machine.dir.path().join("own.toml");
    machine.sources.config = Some(path.clone());
    assert!(machine.error().starts_with("cannot be read"));
    fs::write(&path, "data_dir = \"elsewhere\"\n").unwrap();
    let loaded = machine.load().unwrap();
    assert_eq!(loaded.settings.data_dir, Path::new("elsewhere"));
    assert_eq!(loaded.config_file, Some(path));
    let error = Machine::new().file("data_dir = \"elsewhere\"\n").error();
    assert!(error.starts_with("data_dir cannot be set"), "{error}");
}

#[test]
fn a_secret_is_found_in_no_output() {
    const CANARY: &str = "s3cr3t-canary";
    let machine = Machine::new()
        .env("RETAIL_KAFKA_PASSWORD", CANARY)
        .file(&format!("[live]\ncassandra_password = \"{CANARY}\"\n"))
        .mode(CONFIG_FILE_NAME, 0o600);
    let loaded = machine.load().unwrap();
    assert_eq!(loaded.settings.live.kafka_password.reveal(), CANARY);
    assert_eq!(loaded.settings.live.cassandra_password.reveal(), CANARY);
    let shown = format!(
        "{loaded:?} {} {}",
        serde_json::to_string(&loaded.settings).unwrap(),
        toml::to_string(&loaded.settings).unwrap(),
    );
    assert!(!shown.contains(CANARY), "{shown}");

    let machine = machine.mode(CONFIG_FILE_NAME, 0o640);
    let error = machine.load().unwrap_err();
    let told = format!("{error} {error:?} {}", error.remedy());
    assert!(told.contains("640") && told.contains("chmod 600"), "{told}");
    assert!(!told.contains(CANARY), "{told}");

    let error = Machine::new()
        .flag("live.kafka_password", CANARY)
        .load()
        .unwrap_err();
    assert!(error.remedy().contains("RETAIL_KAFKA_PASSWORD"));
    assert!(!format!("{error} {error:?}").contains(CANARY));

    let machine = Machine::new().dot_env(&format!("RETAIL_KAFKA_PASSWORD='{CANARY}\n"));
    let error = machine.load().unwrap_err();
    assert!(
        !format!("{error} {error:?} {}", error.remedy()).contains(CANARY),
        "{error:?}"
    );

    let machine = Machine::new()
        .dot_env(&format!("RETAIL_KAFKA_PASSWORD={CANARY}\n"))
        .mode(".env", 0o644);
    assert!(machine.error().contains("mode 644"));

    let machine = Machine::new()
        .file(&format!("[live]\ncassandra_password = [\"{CANARY}\"]\n"))
        .mode(CONFIG_FILE_NAME, 0o600);
    let error = machine.load().unwrap_err();
    assert!(matches!(error, ConfigError::BadValue { .. }));
    assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
}

#[test]
fn a_share_of_rejects_counts_only_once_there_are_enough_rows() {
    let limit = ErrorLimit::Percent(1.0);
    assert!(!limit.is_passed(5, 10));
    assert!(!limit.is_passed(10, 1_000));
    assert!(limit.is_passed(11, 1_000));
    assert!(!ErrorLimit::Rows(3).is_passed(3, 3));
    assert!(ErrorLimit::Rows(3).is_passed(4, 4));
    assert!(!ErrorLimit::None.is_passed(u64::MAX, u64::MAX));
}

#[test]
fn levels_move_within_their_ends() {
    assert_eq!(LogLevel::Warn.moved(1), LogLevel::Info);
    assert_eq!(LogLevel::Warn.moved(-1), LogLevel::Error);
    assert_eq!(LogLevel::Warn.moved(9), LogLevel::Trace);
    assert_eq!(LogLevel::Warn.moved(-9), LogLevel::Off);
}

proptest! {
    /// Whatever stands in the file, it is read or refused, never a panic; and what is read is
    /// within its range.
    #[test]
    fn any_integer_is_in_range_or_refused(at in 0..SETTINGS.len(), value in any::<i64>()) {
        let doc = &SETTINGS[at];
        let read = doc.kind.check(&Raw::Toml(Value::Integer(value)));
        match doc.kind {
            Kind::Integer { min, max, .. } => {
                prop_assert_eq!(read.is_some(), (min..=max).contains(&value));
            }
            Kind::Number { .. } => prop_assert_eq!(read.is_some(), (0..=1).contains(&value)),
            Kind::ErrorLimit => prop_assert_eq!(read.is_some(), value >= 0),
            _ => prop_assert_eq!(read, None),
        }
    }

    /// Any text is read, or refused with a place that is in it.
    #[test]
    fn any_file_is_read_or_refused(text in "[a-z_.=\\[\\]\"0-9 \n]{0,80}") {
        let mut written = Written::default();
        let origin = Origin::File("any.toml".into());
        let read = FileText::parse(&text, origin).and_then(|file| {
            file.add_general(&mut written)?;
            file.add_profile("a", &mut written).map(drop)
        });
        match read {
            Ok(()) => {
                let assigns = written.0.len() <= text.matches('=').count();
                prop_assert!(assigns, "a value came from nowhere");
            }
            Err(ConfigError::Syntax { line, .. }
                | ConfigError::UnknownKey { origin: Source::File { line, .. }, .. }) => {
                prop_assert!((1..=text.matches('\n').count() + 1).contains(&line));
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
