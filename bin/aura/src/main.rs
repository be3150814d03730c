//! The `aura` command.

mod banner;
mod blocks;
mod bridge;
mod cli;
mod commands;
mod dev;
mod settings;
mod state;

use std::process::ExitCode;

use clap::Parser;

/// Many small, short-lived allocations on several threads: jemalloc keeps memory flat under load, and
/// its background thread returns what an idle thread has freed.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.downcast_ref::<bridge::Failure>() {
                Some(failure) => ExitCode::from(failure.code()),
                None => ExitCode::FAILURE,
            }
        }
    }
}
