//! The text console behind a framebuffer: it draws into the same memory, so its cursor would blink in the picture, and when it blanks itself the
//! screen goes black. Both are switched off while we draw, and on again at the end.
//!
//! By the escape sequences of `console_codes(4)`, as `setterm` sends them: they need no more than write access to `/dev/tty0` (group `tty`). The other
//! way, the `KDSETMODE` call, is allowed only to root and to whoever logged in there, and a program that is killed would leave a console without text.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use crate::outputs::permission::group_hint;

/// A console that keeps quiet until this is dropped.
pub(super) struct QuietConsole {
    console: Option<File>,
    /// After how many minutes it blanked itself; 0: never.
    blank_after: u32,
}

/// Where the kernel says after how many seconds it blanks the console.
const BLANK_SECONDS: &str = "/sys/module/kernel/parameters/consoleblank";

impl QuietConsole {
    /// Hides the cursor of the console `path` (`/dev/tty0` is the one that is seen), lights a blanked screen and keeps it lit. Where that is not
    /// allowed it is left as it is: a blinking cursor is no reason to show nothing.
    pub(super) fn hush(path: &Path) -> Self {
        let blank_after = std::fs::read_to_string(BLANK_SECONDS).ok().and_then(|text| text.trim().parse::<u32>().ok());
        Self::hush_one_that_blanks_after(path, blank_after.unwrap_or(0) / 60)
    }

    fn hush_one_that_blanks_after(path: &Path, blank_after: u32) -> Self {
        let console = OpenOptions::new().write(true).open(path);
        if let Err(error) = &console {
            log::debug!("the cursor of {} stays{}: {error}", path.display(), group_hint(path));
        }
        let mut quiet = Self { console: console.ok(), blank_after };
        // Cursor off; never blank; light up.
        quiet.say("\x1b[?25l\x1b[9;0]\x1b[13]");
        quiet
    }

    fn say(&mut self, sequence: &str) {
        if let Some(console) = &mut self.console {
            // In one piece: the console belongs to others too. Where it is gone there is no cursor either.
            let _ = console.write_all(sequence.as_bytes());
        }
    }
}

impl Drop for QuietConsole {
    fn drop(&mut self) {
        self.say(&format!("\x1b[?25h\x1b[9;{}]", self.blank_after));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_goes_and_comes_back_and_so_does_the_blanking() {
        let console = tempfile::NamedTempFile::new().unwrap();
        let said = || std::fs::read_to_string(console.path()).unwrap();
        let quiet = QuietConsole::hush_one_that_blanks_after(console.path(), 10);
        assert_eq!(said(), "\x1b[?25l\x1b[9;0]\x1b[13]");
        drop(quiet);
        assert_eq!(said(), "\x1b[?25l\x1b[9;0]\x1b[13]\x1b[?25h\x1b[9;10]");
    }

    #[test]
    fn a_console_that_is_not_there_is_no_failure() {
        drop(QuietConsole::hush(Path::new("/nonexistent/tty0")));
    }
}
