//! Reads the arguments, runs one command, and says what went wrong in one line.

use std::process::ExitCode;

use clap::Parser;
use visaged::commands::{Cli, exit};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            let code = if message.use_stderr() { exit::USAGE } else { 0 };
            // Help that cannot be printed (a closed pipe) helps nobody.
            let _ = message.print();
            return ExitCode::from(code);
        }
    };
    match cli.run(&mut std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has seen enough (`visaged detect … | head`).
        Err(error) if exit::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("visaged: {}", exit::one_line(&error));
            ExitCode::from(exit::code(&error))
        }
    }
}
