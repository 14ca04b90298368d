//! `visaged completions`, `visaged man`: from the same definitions as the command line.

use std::io::Write;

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;

#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// Which shell.
    shell: Shell,
}

pub(super) fn completions(args: &CompletionsArgs, out: &mut dyn Write) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "visaged", &mut script);
    Ok(out.write_all(&script)?)
}

/// The page of the program, then a section for each command.
pub(super) fn man(out: &mut dyn Write) -> Result<()> {
    let mut page = Vec::new();
    let mut program = Cli::command();
    program.build();
    let manual = clap_mangen::Man::new(program.clone());
    manual.render(&mut page)?;
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        writeln!(page, ".SH \"VISAGED {}\"", command.get_name().to_uppercase())?;
        let section = clap_mangen::Man::new(command.clone());
        section.render_synopsis_section(&mut page)?;
        section.render_description_section(&mut page)?;
        section.render_options_section(&mut page)?;
    }
    writeln!(page, ".SH \"EXIT STATUS\"")?;
    for (code, meaning) in [
        (0, "done"),
        (super::exit::USAGE, "the command line is wrong"),
        (super::exit::BAD_DATA, "an input is damaged or of the wrong kind"),
        (super::exit::MISSING_INPUT, "an input does not exist or may not be read"),
        (super::exit::INTERNAL, "an internal error"),
        (super::exit::CONFIGURATION, "the configuration is wrong"),
    ] {
        writeln!(page, ".TP\n.B {code}\n{meaning}")?;
    }
    Ok(out.write_all(&page)?)
}
