//! `lab`: real servers without Docker.

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use crate::cli::args::{LabAct, LabArgs, UpArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Output, Table, add};
use crate::lab::{Lab, LabError, LabOptions, LabTold};

/// Does what was asked.
pub(crate) fn run(args: &LabArgs, output: &Output) -> anyhow::Result<Exit> {
    let home = home(args)?;
    let open = || Lab::open(&home);
    match &args.act {
        LabAct::Fetch => {
            let options = Lab::options_at(&home)?.unwrap_or_default();
            let lab = Lab::with(&home, options)?;
            lab.fetch(&mut |told| output.tell(&told.to_string()))?;
            done(output, &lab)?;
        }
        LabAct::Up(up) => return self::up(&home, up, output),
        LabAct::Status => return status(&open()?, output),
        LabAct::Kill(of) => act(output, &open()?, |lab| lab.kill(of.server))?,
        LabAct::Stop(of) => act(output, &open()?, |lab| lab.stop(of.server))?,
        LabAct::Pause(of) => act(output, &open()?, |lab| lab.pause(of.server))?,
        LabAct::Resume(of) => act(output, &open()?, |lab| lab.resume(of.server))?,
        LabAct::Start(of) => act(output, &open()?, |lab| lab.start(of.server))?,
        LabAct::Down => act(output, &open()?, |lab| {
            lab.down(&mut |told| output.tell(&told.to_string()))
        })?,
        LabAct::Wipe => act(output, &open()?, |lab| {
            lab.wipe(&mut |told| output.tell(&told.to_string()))
        })?,
        LabAct::Logs(of) => {
            let lab = open()?;
            let tail = lab.log_tail(of.server, of.lines.into());
            let value = json!({ "log": lab.log(of.server), "lines": tail });
            output.result(&value, || tail.clone() + "\n")?;
        }
        LabAct::Nodetool(of) => {
            let args: Vec<&str> = of.args.iter().map(String::as_str).collect();
            let said = open()?.nodetool(of.dc, &args)?;
            output.result(&json!({ "said": said }), || said.clone())?;
        }
    }
    Ok(Exit::Done)
}

fn home(args: &LabArgs) -> anyhow::Result<PathBuf> {
    args.home
        .clone()
        .or_else(Lab::default_home)
        .context("this account has no home directory to keep a lab in: name one with --home")
}

/// Sets up and starts. A lab that was set up before keeps its options.
fn up(home: &std::path::Path, args: &UpArgs, output: &Output) -> anyhow::Result<Exit> {
    let before = Lab::options_at(home)?.unwrap_or_else(LabOptions::default);
    let lab = Lab::with(home, args.over(&before))?;
    let mut tell = |told: LabTold| output.tell(&told.to_string());
    lab.fetch(&mut tell)?;
    lab.up(&mut tell)?;
    let environment: Map<String, Value> = lab
        .environment()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect();
    let password = lab.password_file();
    let value = json!({
        "home": lab.home(),
        "environment": environment,
        "password_file": password,
    });
    output.result(&value, || {
        let mut text = String::from("\nTo use it:\n");
        for (name, value) in lab.environment() {
            add(&mut text, format_args!("  export {name}={value}\n"));
        }
        // Where it is, and not what it is.
        if let Some(file) = &password {
            for name in ["RETAIL_KAFKA_PASSWORD", "RETAIL_CASSANDRA_PASSWORD"] {
                let file = file.display();
                add(&mut text, format_args!("  export {name}=$(cat {file})\n"));
            }
        }
        let home = lab.home().display();
        add(
            &mut text,
            format_args!(
                "Then: retail-engine setup, retail-engine load FILE\n\
                 It runs until: retail-engine lab down --home {home}\n"
            ),
        );
        text
    })?;
    Ok(Exit::Done)
}

fn act(
    output: &Output,
    lab: &Lab,
    what: impl FnOnce(&Lab) -> Result<(), LabError>,
) -> anyhow::Result<()> {
    what(lab)?;
    done(output, lab)
}

/// Says how the processes are, without asking the servers: after a kill there is nobody to ask.
fn done(output: &Output, lab: &Lab) -> anyhow::Result<()> {
    let states: Vec<(&str, &str)> = crate::lab::Server::ALL
        .into_iter()
        .map(|server| Ok((server.slug(), lab.state(server)?.slug())))
        .collect::<Result<_, LabError>>()?;
    let object: Map<String, Value> = states
        .iter()
        .map(|(server, state)| ((*server).to_owned(), Value::from(*state)))
        .collect();
    let value = json!({ "home": lab.home(), "servers": object });
    output.result(&value, || {
        let told: Vec<_> = states
            .iter()
            .map(|(server, state)| format!("{server} {state}"))
            .collect();
        told.join(", ") + "\n"
    })?;
    Ok(())
}

/// A lab of which a server does not answer has not failed, but it is not up either.
fn status(lab: &Lab, output: &Output) -> anyhow::Result<Exit> {
    let servers = lab.status()?;
    let objects: Vec<_> = servers.iter().map(crate::lab::ServerStatus::json).collect();
    let value = json!({ "home": lab.home(), "servers": objects });
    output.result(&value, || {
        let mut table = Table::new(&[
            ("SERVER", Align::Left),
            ("PROCESS", Align::Left),
            ("PID", Align::Right),
            ("ADDRESS", Align::Left),
            ("SAYS", Align::Left),
        ]);
        for server in &servers {
            let said = server.answer.as_ref().unwrap_or_else(|said| said);
            table.row([
                server.server.slug().to_owned(),
                server.state.slug().to_owned(),
                server.pid.map(|pid| pid.to_string()).unwrap_or_default(),
                server.address.clone(),
                said.clone(),
            ]);
        }
        table.text()
    })?;
    io::stdout().flush()?;
    let all_answer = servers.iter().all(|server| server.answer.is_ok());
    Ok(if all_answer { Exit::Done } else { Exit::Failed })
}
