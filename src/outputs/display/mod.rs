//! Displays. All show the same [`scene`], drawn on a [`canvas`].

pub mod brush;
pub mod canvas;
pub mod cells;
mod chart;
pub mod face;
pub mod layout;
pub mod lettering;
pub mod palette;
pub mod scene;
pub mod shapes;
mod signs;
pub mod words;

mod fb_geometry;
pub mod framebuffer;
pub mod panel;
pub mod png;
pub mod terminal;
