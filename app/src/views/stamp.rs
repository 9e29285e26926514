//! What stands above a table that leaves the console: what it is, where it is from, and of when.

use chrono::{DateTime, SecondsFormat, Utc};
use retail_engine::config::Mode;

/// The mode in words; figures of data centres that are simulated say so wherever they go.
pub fn mode(mode: Mode) -> String {
    let simulated = match mode {
        Mode::Embedded => "; Simulated data centres",
        Mode::Live => "",
    };
    format!("Mode: {}{simulated}", mode.slug())
}

/// The time at which figures were measured.
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The lines above a CSV.
pub fn head(table: &str, of: Mode, at: DateTime<Utc>) -> String {
    let (mode, at) = (mode(of), time(at));
    format!("# table: {table}\n# {mode}\n# at: {at}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_simulated_says_so() {
        let head = |mode| head("Topics", mode, DateTime::UNIX_EPOCH);
        let simulated = "# table: Topics\n# Mode: embedded; Simulated data centres\n\
                         # at: 1970-01-01T00:00:00Z\n";
        assert_eq!(head(Mode::Embedded), simulated);
        let live = "# table: Topics\n# Mode: live\n# at: 1970-01-01T00:00:00Z\n";
        assert_eq!(head(Mode::Live), live);
    }
}
