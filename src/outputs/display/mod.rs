//! Displays. All show the same [`scene`], drawn on a [`canvas`].

pub mod brush;
pub mod canvas;
pub mod cells;
mod chart;
pub mod face;
pub mod layout;
pub mod lettering;
mod message;
pub mod mix;
pub mod moment;
mod outline;
pub mod palette;
mod pictures;
pub mod rest;
pub mod scene;
pub mod shapes;
mod signs;
pub mod style;
mod veil;
pub mod vision;
pub mod words;

mod console;
mod double_buffer;
pub mod drm;
mod fb_geometry;
pub mod framebuffer;
pub mod panel;
pub mod png;
pub mod terminal;
