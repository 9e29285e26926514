//! How the program ends, for scripts.

use std::error::Error;
use std::process::ExitCode;

use crate::clean::RulesError;
use crate::config::ConfigError;
use crate::flow::{LoadError, ProduceError, RouteError};
use crate::handle::OpenError;
use crate::intake::IntakeError;
use crate::route::RoutingError;

use crate::cli::verbs::export::ExportArgsError;

/// The exit codes. Their numbers are part of the program's contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Failed: the message says what, where and how to mend it.
    Failed = 1,
    /// The command line or the settings are wrong.
    Usage = 2,
    /// The input was refused: not a CSV of invoices, or more rejects than the limit.
    InputRefused = 3,
    /// Ended, and a ledger does not close or a comparison is not equal.
    DoesNotClose = 4,
}

impl Exit {
    /// The code of an error that a verb returned.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(of_cause).unwrap_or(Self::Failed)
    }
}

fn of_cause(cause: &(dyn Error + 'static)) -> Option<Exit> {
    let is_usage = cause.is::<ConfigError>()
        || cause.is::<RulesError>()
        || cause.is::<RoutingError>()
        || cause.is::<ExportArgsError>()
        || matches!(
            cause.downcast_ref(),
            Some(RouteError::Map(_) | RouteError::NotNewer { .. } | RouteError::HasLines { .. })
        )
        || matches!(cause.downcast_ref(), Some(OpenError::Config(_)));
    if is_usage {
        return Some(Exit::Usage);
    }
    let is_input = cause.is::<IntakeError>()
        || matches!(
            cause.downcast_ref(),
            Some(LoadError::Intake(_) | LoadError::Produce(ProduceError::Intake(_)))
        );
    is_input.then_some(Exit::InputRefused)
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;
    use crate::route::RoutingMap;

    #[test]
    fn an_error_keeps_its_code_under_its_context() {
        let refused = || Err::<(), _>(LoadError::Intake(IntakeError::Empty));
        let plain = anyhow::Error::from(refused().unwrap_err());
        assert_eq!(Exit::of(&plain), Exit::InputRefused);
        let within = refused().context("a.csv").unwrap_err();
        assert_eq!(Exit::of(&within), Exit::InputRefused);
        let settings = OpenError::Config(ConfigError::NoDataDir);
        assert_eq!(Exit::of(&settings.into()), Exit::Usage);
        let map = OpenError::Routing {
            source: RoutingMap::from_toml("version = x").unwrap_err(),
            path: "routing.toml".into(),
        };
        assert_eq!(Exit::of(&map.into()), Exit::Usage);
        let segment = ExportArgsError::UnknownSegment {
            name: "Champion".to_owned(),
            known: vec!["Champions".to_owned()],
        };
        let within = anyhow::Error::from(segment).context("a.csv");
        assert_eq!(Exit::of(&within), Exit::Usage);
        let (given, there) = (1, 2);
        let routing = RouteError::NotNewer { given, there };
        assert_eq!(Exit::of(&routing.into()), Exit::Usage);
        assert_eq!(Exit::of(&anyhow::anyhow!("disk")), Exit::Failed);
    }
}
