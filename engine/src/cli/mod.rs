//! The headless program: every verb of the platform over the engine's handle, without a window.
//!
//! Results go to stdout, everything else to stderr. With `--json` stdout has exactly one object.
//! It lives in the library so that the console answers to the same verbs.

mod args;
mod exit;
mod memory;
mod output;
mod progress;
mod session;
mod shapes;
mod verbs;

use std::io;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use args::{Cli, Verb};
use exit::Exit;
use output::Output;

/// Whether a word is one of the verbs.
pub fn is_verb(word: &str) -> bool {
    let has = |command: &clap::Command| {
        word == command.get_name() || command.get_all_aliases().any(|alias| alias == word)
    };
    word == "help" || Cli::command().get_subcommands().any(has)
}

/// Runs the program with the arguments of the process; the exit code says how it ended.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // `--help` and `--version` come this way too, and are no failure.
            let exit = if told.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            return told.print().map_or(Exit::Failed, |()| exit).into();
        }
    };
    let output = Output::new(cli.global.format());
    match run(&cli, &output) {
        Ok(exit) => exit.into(),
        Err(error) if is_broken_pipe(&error) => Exit::Done.into(),
        Err(error) => {
            output.error(&error);
            Exit::of(&error).into()
        }
    }
}

/// The one place where a verb meets its implementation.
fn run(cli: &Cli, output: &Output) -> anyhow::Result<Exit> {
    let global = &cli.global;
    match &cli.verb {
        Verb::Setup(args) if args.lists() => verbs::setup::list(args, output),
        Verb::Setup(args) if args.check => verbs::connect::run(global, output),
        Verb::Setup(_) => verbs::setup::run(global, output),
        Verb::Load(args) => verbs::load::run(args, global, output),
        Verb::Produce(args) => verbs::produce::run(args, global, output),
        Verb::Consume(args) => verbs::consume::run(args, global, output),
        Verb::Analytics(args) => verbs::analytics::run(args, global, output),
        Verb::Preview(args) => verbs::preview::run(args, global, output),
        Verb::Fix(args) => verbs::fix::run(args, global, output),
        Verb::Route(args) => verbs::route::run(args, global, output),
        Verb::Rejects(args) => verbs::rejects::run(args, global, output),
        Verb::Verify => verbs::verify::run(global, output),
        Verb::Repair(args) => verbs::repair::run(args, global, output),
        Verb::Report(args) => verbs::report::run(args, global, output),
        Verb::Status => verbs::status::run(global, output),
        Verb::Export(args) => verbs::export::run(args, global, output),
        Verb::Bench(args) => verbs::bench::run(args, global, output),
        Verb::Lab(args) => verbs::lab::run(args, output),
        Verb::Drill(args) => verbs::drill::run(args, &cli.global, output),
        Verb::Replay(args) => verbs::replay::run(args, &cli.global, output),
    }
}

/// A reader such as `head` that has seen enough is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
