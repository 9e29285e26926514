//! `route`: which region each country belongs to.

use serde_json::json;

use crate::cli::args::GlobalArgs;
use crate::cli::args::route::{RouteAct, RouteArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Output, Table, add};
use crate::cli::session::Session;
use crate::flow::{Roles, RouteChange, RoutingView};
use crate::handle::Command;
use crate::model::Region;

/// Carries one act out.
pub(crate) fn run(args: &RouteArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let session = Session::open(global, Vec::new(), Roles::none())?;
    let mode = session.settings.mode;
    match &args.act {
        RouteAct::List => {
            let view = session.ask(Command::Routing)?;
            let map: Vec<_> = view
                .map
                .countries()
                .map(|(country, region)| json!({ "country": country, "region": region }))
                .collect();
            let value = json!({
                "mode": mode,
                "version": view.map.version(),
                "map": map,
                "changes": view.changes,
            });
            output.result(&value, || listed(&view))?;
        }
        RouteAct::Assign { country, region } => {
            let change = session.ask(|reply| Command::AssignCountry {
                country: country.clone(),
                region: *region,
                reply,
            })??;
            let value = json!({ "mode": mode, "change": change });
            output.result(&value, || said(&change))?;
        }
        RouteAct::Undo => {
            let change = session.ask(Command::UndoRouting)??;
            let value = json!({ "mode": mode, "change": change });
            output.result(&value, || said(&change))?;
        }
    }
    session.close()?;
    Ok(Exit::Done)
}

/// A change in words.
fn said(change: &RouteChange) -> String {
    let name = |region: Option<Region>| region.map_or("no region", Region::name);
    format!(
        "{}: {} before, {} now; version {} of the map, for loads that begin after this.\n",
        change.country,
        name(change.from),
        name(change.to),
        change.version
    )
}

fn listed(view: &RoutingView) -> String {
    let mut table = Table::new(&[("COUNTRY", Align::Left), ("REGION", Align::Left)]);
    for (country, region) in view.map.countries() {
        table.row([country.to_owned(), region.name().to_owned()]);
    }
    let mut text = table.text();
    add(
        &mut text,
        format_args!(
            "Version {} of the map, {} changes here.\n",
            view.map.version(),
            view.changes.len()
        ),
    );
    text
}
