//! Exit codes, after `sysexits.h`.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::Error;

use crate::camera::picture::BadPictureFile;
use crate::camera::y4m::Y4mError;
use crate::config::ConfigError;
use crate::detector::haar::CascadeError;
use crate::network::ModelError;

/// The command line is wrong.
pub const USAGE: u8 = 64;
/// An input is damaged or of the wrong kind.
pub const BAD_DATA: u8 = 65;
/// An input does not exist or may not be read.
pub const MISSING_INPUT: u8 = 66;
/// No service runs that could answer.
pub const UNAVAILABLE: u8 = 69;
/// A mistake of ours, or of the system.
pub const INTERNAL: u8 = 70;
/// Another service runs already: try again when it has gone.
pub const ALREADY_RUNNING: u8 = 75;
/// The configuration is wrong.
pub const CONFIGURATION: u8 = 78;

/// An input that is not what the command needs.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadData(pub String);

/// Arguments that do not fit.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Nobody answers.
#[derive(Debug, thiserror::Error)]
#[error("no visaged is running here (`systemctl status visaged` says more, if it is installed as a service)")]
pub struct NotRunning;

/// Another service holds the lock.
#[derive(Debug, thiserror::Error)]
#[error("visaged is running already (process {process})")]
pub struct AlreadyRunning {
    /// Its process number; empty if it could not be read.
    pub process: String,
}

/// The exit code of `work`; after a panic, which has made everything dark on its way here, [`INTERNAL`].
pub fn after(work: impl FnOnce() -> u8) -> u8 {
    // Nothing that `work` has left half done is looked at again.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(INTERNAL)
}

/// True if the reader of our output has gone.
pub fn is_broken_pipe(error: &Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == ErrorKind::BrokenPipe))
}

/// What is said about an error: all causes on one line that no terminal obeys, whatever foreign words are in it.
pub fn one_line(error: &Error) -> String {
    const MOST: usize = 1000;
    let text = format!("{error:#}");
    let mut line: String = text.chars().take(MOST).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if text.chars().nth(MOST).is_some() {
        line.push('…');
    }
    line
}

/// The exit code for an error that ends the program.
pub fn code(error: &Error) -> u8 {
    let mut code = INTERNAL;
    for cause in error.chain() {
        if cause.is::<ConfigError>() {
            return CONFIGURATION;
        }
        if cause.is::<Usage>() {
            return USAGE;
        }
        if cause.is::<NotRunning>() {
            return UNAVAILABLE;
        }
        if cause.is::<AlreadyRunning>() {
            return ALREADY_RUNNING;
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            match io.kind() {
                ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::IsADirectory => return MISSING_INPUT,
                ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::FileTooLarge => {
                    code = BAD_DATA;
                }
                _ => {}
            }
        }
        if cause.is::<BadData>()
            || cause.is::<CascadeError>()
            || cause.is::<ModelError>()
            || cause.is::<BadPictureFile>()
            || cause.is::<Y4mError>()
        {
            code = BAD_DATA;
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use std::path::Path;

    #[test]
    fn foreign_words_in_a_message_neither_command_the_terminal_nor_fill_it() {
        let error = anyhow::anyhow!("unknown key `\u{1b}[2J\n\u{9b}31m{}`", "é".repeat(5000));
        let line = one_line(&error.context("visaged.toml:1"));
        assert!(line.starts_with("visaged.toml:1: unknown key ` [2J  31méé"), "{line}");
        assert_eq!((line.chars().count(), line.chars().last()), (1001, Some('…')));
    }

    #[test]
    fn a_panic_is_a_mistake_of_ours() {
        assert_eq!(after(|| USAGE), 64);
        assert_eq!(after(|| panic!("a mistake of ours")), 70);
    }

    #[test]
    fn each_kind_of_trouble_has_its_code() {
        let missing = std::fs::read("no/such/file").context("reading").unwrap_err();
        assert_eq!(code(&missing), MISSING_INPUT);
        assert_eq!(code(&BadData("not a picture".into()).into()), BAD_DATA);
        assert_eq!(code(&Usage("no".into()).into()), USAGE);
        assert_eq!(code(&crate::config::Config::load(Path::new("no/such/file")).unwrap_err().into()), CONFIGURATION);
        assert_eq!(code(&anyhow::anyhow!("a mistake")), INTERNAL);
    }
}
