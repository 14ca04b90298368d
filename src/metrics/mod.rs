//! How good the stages are, in the field's figures.

pub mod confusion;
pub mod matching;
