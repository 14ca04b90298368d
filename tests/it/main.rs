//! The stages and the program, tested through the library. No test needs a camera, a network connection or a clock.

mod cascade;
mod classifier;
mod commands;
mod daemon;
mod evaluation;
mod finder;
mod haar;
mod patterns;
mod tracker;
mod puppet;
mod regions;
mod scenes;
mod statistics;
mod web;
mod browser;
mod prometheus;
