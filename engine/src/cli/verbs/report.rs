//! `report`: the figures, under a filter.

use crate::analytics::{TogetherQuery, render_text, render_together};
use crate::config::Mode;
use crate::flow::Roles;
use crate::handle::Command;
use serde_json::{Value, json};

use crate::cli::args::{GlobalArgs, ReportArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{Output, width};
use crate::cli::session::Session;

/// Pairs that a page shows.
const PAIRS: usize = 20;

/// Prints the figures.
pub(crate) fn run(args: &ReportArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let session = Session::open(global, Vec::new(), Roles::none())?;
    let filter = args.filter.filter();
    let report = session.ask(|reply| Command::Report(Box::new(filter.clone()), reply))??;
    let together = if args.together {
        let query = Box::new(TogetherQuery {
            filter,
            limit: PAIRS,
            ..TogetherQuery::default()
        });
        Some(session.ask(|reply| Command::Together(query, reply))??)
    } else {
        None
    };
    let mode = session.settings.mode;
    session.close()?;
    let mut value = json!({ "mode": mode, "simulated": mode == Mode::Embedded });
    if let (Some(into), Value::Object(figures)) =
        (value.as_object_mut(), serde_json::to_value(&report)?)
    {
        into.extend(figures);
        if let Some(together) = &together {
            into.insert("together".to_owned(), serde_json::to_value(together)?);
        }
    }
    output.result(&value, || {
        let mut page = render_text(&report, width());
        if let Some(together) = &together {
            page.push_str(&render_together(together, width()));
        }
        let simulated = match mode {
            Mode::Embedded => ": the data centres are simulated",
            Mode::Live => "",
        };
        format!("{page}\nMode {}{simulated}.\n", mode.slug())
    })?;
    Ok(Exit::Done)
}
