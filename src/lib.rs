//! **visaged** turns a camera into a light and a screen that show what faces express.
//!
//! One picture's way through the house, which is also the order of the modules:
//!
//! ```text
//!          capture thread                              main thread
//!  camera ──▶ luma ──▶ latest slot ──▶ detector ──▶ classifier ──▶ tracker ──▶ outputs: display · LEDs · statistics · MQTT · web
//!  V4L2       grey     newest frame    boxes        7 probabilities  stable faces
//!  rpicam     8 bit    wins, old ones               per face
//!  replay              are dropped
//!  puppet
//! ```
//!
//! [`pipeline`] joins detector, classifier and tracker for one frame, without threads or a clock; [`daemon`] adds both, and the end.

pub mod config;
pub mod frame;
pub mod stop;
pub mod worker;
pub mod pause;
pub mod health;
pub mod device;
pub mod gpio;
pub mod button;
pub mod network;
pub mod resample;

pub mod camera;
pub mod lens;
pub mod latest;
pub mod detector;
pub mod classifier;
pub mod tracker;
pub mod outline;
pub mod outputs;

pub mod pipeline;
pub mod stopwatch;
pub mod daemon;

pub mod dataset;
pub mod metrics;
pub mod plots;
pub mod commands;
