//! The scene in a terminal, also over SSH: each cell is two pixels, an upper half block `▀` in two colours; small text is the terminal's own.
//!
//! The picture has standard output for itself. Log lines go to standard error; where that is the same terminal, they must be sent elsewhere, or
//! they garble the picture until the cells below them change.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use crossterm::cursor::{Hide, Show};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::cells::{Cells, ColorDepth};
use super::moment::Moment;
use super::scene::Scene;
use super::style::SceneStyle;
use crate::outputs::{Output, View};

/// The picture is not drawn more often: a slow line would fall behind.
const INTERVAL: Duration = Duration::from_millis(66);

/// The terminal that the program runs in. Dropping it brings back what was there before.
pub struct Terminal {
    scene: Scene,
    cells: Cells,
    bytes: Vec<u8>,
    drawn_at: Option<Instant>,
    /// How the terminal was set, if keys were echoed.
    before: Option<Termios>,
}

impl Terminal {
    /// Takes over the terminal on standard output.
    ///
    /// # Errors
    /// If standard output is none.
    pub fn open(style: SceneStyle) -> Result<Self> {
        ensure!(
            io::stdout().is_terminal(),
            "standard output is no terminal (set terminal = false in [display], or png to a file to see the scene)"
        );
        let variable = |name| std::env::var(name).unwrap_or_default();
        let depth = ColorDepth::of_terminal(&variable("COLORTERM"), &variable("TERM"));
        execute!(io::stdout(), EnterAlternateScreen, Hide).context("cannot write to the terminal")?;
        Ok(Self { scene: Scene::new(style), cells: Cells::new(depth), bytes: Vec::new(), drawn_at: None, before: silence_keys() })
    }
}

/// Keys that are pressed do not appear in the picture; Ctrl-C still ends the program.
fn silence_keys() -> Option<Termios> {
    let before = tcgetattr(io::stdin()).ok()?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(io::stdin(), OptionalActions::Now, &silent).ok()?;
    Some(before)
}

impl Output for Terminal {
    fn name(&self) -> &str {
        "terminal"
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        if self.drawn_at.is_some_and(|then| then.elapsed() < INTERVAL) {
            return Ok(());
        }
        self.drawn_at = Some(Instant::now());
        // A terminal that does not know its size says 0×0.
        let (columns, rows) = match crossterm::terminal::size() {
            Ok((columns, rows)) if columns > 0 && rows > 0 => (columns, rows),
            _ => (80, 24),
        };
        self.bytes.clear();
        self.cells.resize(columns, rows, &mut self.bytes);
        self.cells.draw(self.scene.at(Moment::now()), view);
        self.cells.write_changes(&mut self.bytes);
        let mut out = io::stdout().lock();
        out.write_all(&self.bytes).and_then(|()| out.flush()).context("cannot write to the terminal")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_output_that_is_no_terminal_is_said_so() {
        // Under `cargo test` it may be one.
        if !io::stdout().is_terminal() {
            assert!(
                Terminal::open(SceneStyle::default()).err().unwrap().to_string().starts_with("standard output is no terminal")
            );
        }
    }
}
