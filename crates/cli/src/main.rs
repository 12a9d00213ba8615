//! The one binary, `furikae`.

mod allocate;
mod approvals;
mod arguments;
mod as_of;
mod bench;
mod board;
mod day;
mod decimal;
mod desk;
mod door;
mod drill;
mod explain;
mod facts;
mod failure;
mod key;
mod list;
mod logs;
mod market;
mod movements;
mod node;
mod offline;
mod offset;
mod output;
mod participant;
mod percentiles;
mod progress;
mod proof;
mod read;
mod reconcile;
mod registry;
mod replay;
mod script;
mod stage;
#[cfg(test)]
mod stand_in;
mod submit;
mod table;
mod upload;
mod user;
mod validators;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind};
use tokio::runtime::Runtime;

use self::{
    arguments::{Arguments, Command, Market},
    failure::{Failure, Result, Status},
};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error).into(),
    };
    match run(arguments.command) {
        Ok(()) => Status::Done.into(),
        Err(failure) => {
            failure.tell();
            failure.status.into()
        }
    }
}

/// What clap says of a command line that cannot be run: help is done, the rest malformed.
fn explain(error: &clap::Error) -> Status {
    // Nobody is left to tell when the error stream is closed.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Status::Done,
        _ => Status::Malformed,
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Market(command) => market_command(command),
        Command::Submit(asked) => submit::submit(&runtime()?, &asked),
        Command::Positions(asked) => read::positions(&runtime()?, &asked),
        Command::Registry(asked) => registry::registry(&runtime()?, &asked),
        Command::Instructions(asked) => read::instructions(&runtime()?, &asked),
        Command::Explain(asked) => explain::explain(&runtime()?, &asked),
        Command::Movements(asked) => movements::movements(&runtime()?, &asked),
        Command::Orders(asked) => board::orders(&runtime()?, &asked),
        Command::Trades(asked) => board::trades(&runtime()?, &asked),
        Command::Receipt(asked) => proof::receipt(&runtime()?, &asked),
        Command::Verify(asked) => proof::verify(&asked),
        Command::Validators(asked) => validators::renew(&runtime()?, &asked),
        Command::List(asked) => list::list(&runtime()?, &asked),
        Command::Replay(asked) => replay::replay(&runtime()?, &asked),
        Command::Offset(asked) => offset::offset(&asked),
        Command::Approvals(asked) => approvals::approvals(&runtime()?, &asked),
        Command::Upload(asked) => upload::upload(&runtime()?, &asked),
        Command::Allocate(asked) => allocate::allocate(&runtime()?, &asked),
        Command::Reconcile(asked) => reconcile::reconcile(&runtime()?, &asked),
        Command::Bench(asked) => bench::bench(&runtime()?, &asked),
        Command::Drill(asked) => drill::drill(&runtime()?, &asked),
        Command::Node(command) => node::command(command),
        Command::Gateway(command) => participant::command(command),
        Command::Key(asked) => key::key(&asked),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Arguments::command(),
                "furikae",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    }
}

fn market_command(command: Market) -> Result<()> {
    let runtime = runtime()?;
    match command {
        Market::Up(asked) => market::up(&runtime, &asked),
        Market::Status { at, output } => market::status(&runtime, &at, output),
        Market::Down { at, purge, output } => market::down(&runtime, &at, purge, output),
        Market::Start { name, at } => market::start_node(&runtime, &at, &name),
        Market::Run(asked) => script::run(&runtime, &asked),
        Market::Day { at } => day::on(&runtime, &at),
        Market::Demo { dir, once } => day::demo(&runtime, dir, once),
        Market::Stop { name, kill, at } => market::stop_node(&at, &name, kill),
    }
}

/// What asks nodes over HTTP: one thread suffices.
///
/// # Errors
/// A fault of this machine.
fn runtime() -> Result<Runtime> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Failure::fault(format_args!("cannot start the runtime: {error}")))
}
