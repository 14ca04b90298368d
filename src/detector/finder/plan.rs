//! A network made ready for pictures of one size, with the buffers for them.

use anyhow::Result;
use image::GrayImage;

use super::Head;
use super::square::Square;
use crate::network::{Network, OnnxFile};
use crate::resample::{CropBox, Resampler};

/// Which part of a picture the network sees: from `left`, `top` (in pixels of the picture) on, `scale` network pixels for one of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) scale: f64,
}

/// See the module.
pub(super) struct Plan {
    size: (usize, usize),
    /// The size of the network's input: `size`, filled up with black at the right and below as far as the head asks.
    padded: (usize, usize),
    network: Network,
    resampler: Resampler,
    /// Row by row, channel after channel.
    input: Vec<f32>,
}

impl Plan {
    pub(super) fn new(file: &OnnxFile, head: &dyn Head, (width, height): (usize, usize)) -> Result<Self> {
        let padded = (width.next_multiple_of(head.multiple()), height.next_multiple_of(head.multiple()));
        let shape = [1, head.channels(), padded.1, padded.0];
        Ok(Self {
            size: (width, height),
            padded,
            network: file.network(&shape, &head.output_shapes(padded.0, padded.1))?,
            resampler: Resampler::default(),
            input: vec![0.0; shape.iter().product()],
        })
    }

    /// Width and height of the pictures.
    pub(super) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Shows the network a window of `image`; appends the squares that it finds, in pixels of `image`.
    pub(super) fn look(
        &mut self,
        image: &GrayImage,
        window: Window,
        head: &dyn Head,
        threshold: f32,
        squares: &mut Vec<Square>,
    ) -> Result<()> {
        let Window { left, top, scale } = window;
        let (width, height) = self.size;
        let place = CropBox { left, top, right: left + width as f64 / scale, bottom: top + height as f64 / scale };
        self.resampler.resample(image, place, self.size, &mut self.input, self.padded.0);
        let plane = self.padded.0 * self.padded.1;
        for channel in 1..head.channels() {
            self.input.copy_within(..plane, channel * plane);
        }
        self.network.run(&self.input)?;
        let earlier = squares.len();
        head.read(&self.network, self.padded, threshold, squares)?;
        for square in &mut squares[earlier..] {
            square.left = (left + f64::from(square.left) / scale) as f32;
            square.top = (top + f64::from(square.top) / scale) as f32;
            square.side = (f64::from(square.side) / scale) as f32;
        }
        Ok(())
    }
}
