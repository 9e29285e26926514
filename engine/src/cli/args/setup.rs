//! Options of `setup`.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct SetupArgs {
    /// List every setting: key, variable, default, range, meaning
    #[arg(long)]
    pub(crate) list_settings: bool,
    /// Print a settings file with every default
    #[arg(long, conflicts_with = "list_settings")]
    pub(crate) template: bool,
    /// Test the connection of live mode step by step, and make nothing
    #[arg(long, conflicts_with_all = ["list_settings", "template"])]
    pub(crate) check: bool,
}

impl SetupArgs {
    /// Whether settings are to be shown, and nothing made.
    pub(crate) const fn lists(&self) -> bool {
        self.list_settings || self.template
    }
}
