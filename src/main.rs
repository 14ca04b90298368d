//! Reads the arguments, runs one command, and says what went wrong in one line.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use visaged::commands::{Cli, exit};

fn main() -> ExitCode {
    exit::after(run).into()
}

fn run() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            let code = if message.use_stderr() { exit::USAGE } else { 0 };
            // Help that cannot be printed (a closed pipe) helps nobody.
            let _ = message.print();
            return code;
        }
    };
    match cli.run(&mut std::io::stdout()) {
        Ok(()) => 0,
        // Whoever reads our output has seen enough (`visaged detect … | head`).
        Err(error) if exit::is_broken_pipe(&error) => 0,
        Err(error) => {
            // The code says it too, if nobody can be told in words.
            let _ = writeln!(std::io::stderr(), "visaged: {}", exit::one_line(&error));
            exit::code(&error)
        }
    }
}
