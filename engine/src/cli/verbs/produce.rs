//! `produce`: from a file into the topics, and no further.

use crate::flow::{Roles, Until};

use super::load::{Outcome, Prepared, carry_out, exit_of};
use crate::cli::args::{GlobalArgs, ProduceArgs};
use crate::cli::exit::Exit;
use crate::cli::output::Output;
use crate::cli::session::{self, Session};

/// Produces a file.
pub(crate) fn run(
    args: &ProduceArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<Exit> {
    let settings = session::settings(global, args.pace.flags(&args.cleaning))?;
    let prepared = Prepared::of(&args.cleaning)?;
    let limit = settings.flow.error_limit;
    let roles = Roles::none();
    let session = Session::of(settings, global.verbosity(), roles)?;
    prepared.put_in_force(&session)?;
    let request = prepared.request(
        &args.input,
        &args.reading,
        &args.pace,
        limit,
        Until::Produced,
    );
    let end = carry_out(&session, request, &args.pace, global)?;
    let outcome = Outcome::of(session.settings.mode, &end);
    let lag = session.fresh_snapshot()?.lag;
    let outcome = match lag.lines {
        Some(lines) if lag.is_complete() => outcome.with_lag(lines),
        Some(_) | None => outcome,
    };
    session.close()?;
    output.result(&outcome, || outcome.text(&end))?;
    Ok(exit_of(&end, Until::Produced, output))
}
