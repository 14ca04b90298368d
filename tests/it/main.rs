//! The stages and the program, tested through the library. No test needs a camera, a network connection or a clock.

mod canary;
mod cascade;
mod classifier;
mod commands;
mod daemon;
mod deployment;
mod evaluation;
mod faults;
mod finder;
mod haar;
mod patterns;
mod tracker;
mod puppet;
mod regions;
mod reliability;
mod scenes;
mod service;
mod statistics;
