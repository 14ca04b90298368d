//! How good the stages are, in the field's figures.

pub mod calibration;
pub mod confusion;
pub mod events;
pub mod matching;
