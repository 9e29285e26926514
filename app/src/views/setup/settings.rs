//! Every setting of the engine: its value, where it was written, its range.

use retail_engine::config::{SETTINGS, Settings, Source};

use crate::start::Start;

/// A setting on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    /// Its key.
    pub key: &'static str,
    /// Its variable in the environment.
    pub env: &'static str,
    /// Its value; secrets are masked.
    pub value: String,
    /// Where it was written.
    pub source: String,
    /// Written anywhere at all.
    pub is_set: bool,
    /// What it may be.
    pub range: String,
    /// What it does.
    pub help: &'static str,
}

/// All settings, in the order of the table.
pub fn rows(settings: &Settings, start: &Start) -> Vec<SettingRow> {
    let values = serde_json::to_value(settings).unwrap_or_default();
    SETTINGS
        .iter()
        .map(|doc| {
            let pointer = format!("/{}", doc.key.replace('.', "/"));
            let value = values.pointer(&pointer).map(text).unwrap_or_default();
            let source = start.source(doc.key);
            SettingRow {
                key: doc.key,
                env: doc.env,
                value: if value.is_empty() {
                    "(none)".to_owned()
                } else {
                    value
                },
                source: match source {
                    Source::Default => "default".to_owned(),
                    written => written.to_string(),
                },
                is_set: *source != Source::Default,
                range: doc.kind.expected(),
                help: doc.help,
            }
        })
        .collect()
}

/// The rows whose key, value or meaning has these words.
pub fn matching<'r>(rows: &'r [SettingRow], words: &str) -> Vec<&'r SettingRow> {
    let words = words.trim().to_lowercase();
    rows.iter()
        .filter(|row| {
            [row.key, row.value.as_str(), row.help, row.env]
                .iter()
                .any(|text| text.to_lowercase().contains(&words))
        })
        .collect()
}

fn text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use retail_engine::config::Secret;

    use super::*;

    #[test]
    fn every_setting_has_a_value_and_no_secret_is_shown() {
        let mut settings = Settings::in_dir("there");
        settings.live.kafka_password = Secret::new("canary-secret");
        let rows = rows(&settings, &Start::default());
        assert_eq!(rows.len(), SETTINGS.len());
        assert!(rows.iter().all(|row| !row.value.contains("canary")));
        let of = |key: &str| rows.iter().find(|row| row.key == key).unwrap();
        assert_eq!(of("flow.flush_lines").value, "25000");
        assert_eq!(of("data_dir").value, "there");
        assert_eq!(of("live.kafka_password").value, Secret::MASK);
        assert_eq!(of("live.cassandra_username").value, "(none)");
        assert_eq!(
            matching(&rows, "HINT window")[0].key,
            "alerts.hint_window_share"
        );
    }
}
