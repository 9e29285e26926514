//! `report`: the figures, under a filter.

use retail_engine::analytics::{Filter, render_text};
use retail_engine::flow::Roles;
use retail_engine::handle::Command;
use retail_engine::model::Day;
use serde_json::{Value, json};

use crate::args::{GlobalArgs, ReportArgs};
use crate::exit::Exit;
use crate::output::{Output, width};
use crate::session::Session;

/// Prints the figures.
pub(crate) fn run(args: &ReportArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let session = Session::open(global, Vec::new(), Roles::none())?;
    let filter = Box::new(Filter {
        from: args.from.map(Day::from_date),
        to: args.to.map(Day::from_date),
        regions: args.region.into_iter().collect(),
        countries: args.country.clone(),
        ..Filter::default()
    });
    let report = session.ask(|reply| Command::Report(filter, reply))??;
    let mode = session.settings.mode;
    session.close()?;
    let mut value = json!({ "mode": mode, "simulated": true });
    if let (Some(into), Value::Object(figures)) =
        (value.as_object_mut(), serde_json::to_value(&report)?)
    {
        into.extend(figures);
    }
    output.result(&value, || {
        let page = render_text(&report, width());
        format!(
            "{page}\nMode {}: the data centres are simulated.\n",
            mode.slug()
        )
    })?;
    Ok(Exit::Done)
}
