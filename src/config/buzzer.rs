//! `[buzzer]`: a short tone when an expression begins.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::gpio::{self, Line};

/// `[buzzer]`: a buzzer that makes its tone itself, on a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BuzzerConfig {
    /// The kernel's GPIO character device; `auto`: the one that is the header.
    pub chip: PathBuf,
    /// Its line; empty: there is no buzzer.
    pub line: Line,
    /// True if it sounds at a low level, as many modules do.
    pub active_low: bool,
}

impl Default for BuzzerConfig {
    fn default() -> Self {
        Self { chip: gpio::AUTO.into(), line: Line::NONE, active_low: false }
    }
}
