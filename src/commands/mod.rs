//! The commands of the program, one file each, thin: they read, call the stages, and print.

mod bench;
mod board;
mod check;
mod classify;
mod demo;
mod detect;
mod display_choice;
mod doctor;
mod doctor_displays;
mod evaluate;
mod evaluate_detector;
mod evaluate_sequence;
pub mod exit;
mod export;
mod lights_off;
mod lights_test;
mod lock;
mod manual;
mod pictures;
mod purge;
mod records;
mod report;
mod run;
mod signals;
mod stages;
pub mod status;
mod sweep;

use std::io::Write;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Turns a camera into a light and a screen that show what faces express.
#[derive(Debug, Parser)]
#[command(
    name = "visaged",
    version,
    about,
    after_help = "No picture leaves the program or is stored; what is counted stays on this machine unless [web] or [mqtt] is configured."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Log more: once for what changes, twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the camera until stopped (what the service runs).
    Run(run::Args),
    /// Put the lights out and clear the screen (what the service manager runs after the service).
    LightsOff(lights_off::Args),
    /// Light every light, one after the other, and watch the button: is everything wired as it should be?
    LightsTest(lights_test::Args),
    /// Say how the running service is.
    Status(status::Args),
    /// Show what was counted on a day, in a week or in a month.
    Report(report::Args),
    /// Write every counted minute as CSV or JSON lines.
    Export(export::Args),
    /// Delete everything that was counted.
    Purge(purge::Args),
    /// See it work in this terminal or on a display: your camera if there is one, else a drawn face.
    Demo(demo::Args),
    /// Look at cameras, files and permissions, and say what to mend.
    Doctor(doctor::Args),
    /// Check a configuration file.
    Check(check::Args),
    /// Find the faces in pictures.
    Detect(detect::Args),
    /// Name the expressions in pictures.
    Classify(classify::Args),
    /// Measure the network on labelled face pictures.
    Evaluate(evaluate::Args),
    /// Measure the face detector on marked pictures.
    EvaluateDetector(evaluate_detector::Args),
    /// Measure how well the shown expression follows a labelled recording.
    EvaluateSequence(evaluate_sequence::Args),
    /// Measure the time of every stage on this machine.
    Bench(bench::Args),
    /// Print a completion script for a shell.
    Completions(manual::CompletionsArgs),
    /// Print the manual page (roff).
    Man,
}

impl Cli {
    /// Runs the command; what it has to say goes to `out`.
    ///
    /// # Errors
    /// Whatever stopped it; [`exit::code`] gives the exit code.
    pub fn run(self, out: &mut dyn Write) -> Result<()> {
        if !matches!(self.command, Command::Demo(_)) {
            start_log(self.verbose, env_logger::Target::Stderr);
        }
        match self.command {
            Command::Run(args) => run::run(&args),
            Command::LightsOff(args) => lights_off::run(&args),
            Command::LightsTest(args) => lights_test::run(&args, out),
            Command::Status(args) => status::run(&args, out),
            Command::Report(args) => report::run(&args, out),
            Command::Export(args) => export::run(&args, out),
            Command::Purge(args) => purge::run(&args, out),
            Command::Demo(args) => demo::run(&args, self.verbose, out),
            Command::Doctor(args) => doctor::run(&args, out),
            Command::Check(args) => check::run(&args, out),
            Command::Detect(args) => detect::run(&args, out),
            Command::Classify(args) => classify::run(&args, out),
            Command::Evaluate(args) => evaluate::run(&args, out),
            Command::EvaluateDetector(args) => evaluate_detector::run(&args, out),
            Command::EvaluateSequence(args) => evaluate_sequence::run(&args, out),
            Command::Bench(args) => bench::run(&args, out),
            Command::Completions(args) => manual::completions(&args, out),
            Command::Man => manual::man(out),
        }
    }
}

/// Log lines for people; under systemd without a time, since the journal has its own. `RUST_LOG` overrides the level.
fn start_log(verbose: u8, target: env_logger::Target) {
    let level = match verbose {
        0 => "warn,visaged=info",
        1 => "warn,visaged=debug",
        _ => "debug",
    };
    let mut builder = env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(level));
    builder.target(target).format_target(false);
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        builder.format_timestamp(None);
    }
    // Whoever uses the library may have a logger already: then it stays.
    let _ = builder.try_init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_defined_without_contradictions() {
        Cli::command().debug_assert();
    }
}
