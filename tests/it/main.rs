//! The stages and the program, tested through the library. No test needs a camera, a network connection or a clock.

#![allow(clippy::disallowed_methods, reason = "threads that are no part of the service")]

mod bad_configurations;
#[cfg(feature = "web")]
mod browser;
mod canary;
mod cascade;
mod classifier;
mod commands;
mod daemon;
mod dependencies;
mod deployment;
mod evaluation;
mod faults;
mod finder;
mod foreign_bytes;
mod haar;
#[cfg(feature = "mqtt")]
mod mqtt;
mod patterns;
#[cfg(feature = "web")]
mod prometheus;
mod puppet;
mod regions;
mod reliability;
mod scenes;
mod service;
mod statistics;
mod tracker;
#[cfg(feature = "web")]
mod web;
