//! Options of `route`.

use clap::{Args, Subcommand};

use super::region;
use crate::model::Region;

const EXAMPLES: &str = "\
Examples:
  retail-engine route list
  retail-engine route assign Narnia americas
  retail-engine route undo

A change is for loads that begin after it. A country with stored lines stays where it is.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RouteArgs {
    #[command(subcommand)]
    pub(crate) act: RouteAct,
}

/// What is to be done with the routing map.
#[derive(Debug, Subcommand)]
pub(crate) enum RouteAct {
    /// Show the region of each country, and the changes
    List,
    /// Put a country in a region
    Assign {
        /// The country, on the map or not
        country: String,
        /// The region
        #[arg(value_parser = region)]
        region: Region,
    },
    /// Take back the last change
    Undo,
}
