//! One service at a time: two would fight for the camera and the lights.

use std::env;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::exit::AlreadyRunning;

/// Held as long as the service runs; the kernel lets go of it however the program ends.
pub(super) struct Lock {
    _file: File,
}

/// Where the files of a running service are, the socket of `status` too: systemd's runtime directory for the service, else the user's, else the one for
/// temporary files.
pub(super) fn folder() -> PathBuf {
    ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"].into_iter().find_map(env::var_os).map_or_else(env::temp_dir, PathBuf::from)
}

impl Lock {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`AlreadyRunning`], with the other's process number, if another service holds it; or if the file cannot be made.
    pub(super) fn take() -> Result<Self> {
        Self::take_in(&folder())
    }

    fn take_in(folder: &Path) -> Result<Self> {
        let path = folder.join("visaged.pid");
        let locked = || -> Result<File> {
            let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut other = String::new();
                    // Read only to be helpful: it may be empty, or not ours to read.
                    let _ = (&file).take(32).read_to_string(&mut other);
                    return Err(AlreadyRunning { process: other.trim().to_owned() }.into());
                }
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())?;
            Ok(file)
        };
        let file = locked().with_context(|| path.display().to_string())?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_service_is_refused_with_the_number_of_the_first_until_that_has_gone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take_in(folder.path()).unwrap();
        let refused = Lock::take_in(folder.path()).err().expect("the first one still runs");
        let expected = format!("visaged is running already (process {})", std::process::id());
        assert_eq!(refused.downcast_ref::<AlreadyRunning>().unwrap().to_string(), expected);
        drop(first);
        Lock::take_in(folder.path()).unwrap();
    }
}
