//! The picture's outlines, coarse and in two colours: all that an owner may let people see of the picture itself.
//!
//! The picture is averaged down to cells; where brightness changes steeply from cell to cell, there is an outline (Sobel's operator). Whether somebody is
//! there, and where, can be seen; who it is, hardly: a face two metres away is some 15 cells wide.

use std::slice::ChunksExact;

use image::GrayImage;

/// Cells in the longer side of a picture.
const CELLS: u32 = 96;

/// An outline is where the change is this many times the picture's mean change.
const STEEPNESS: u32 = 2;

/// A change that is less is noise. Sobel's operator gives 8 for a slope of one grey level a cell, and 1,020 for an upright edge from black to white.
const LEAST_CHANGE: u32 = 60;

/// A coarse picture of outlines; empty where nobody asked for one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outline {
    width: u32,
    /// Row by row from the top left.
    cells: Vec<bool>,
}

impl Clone for Outline {
    fn clone(&self) -> Self {
        Self { width: self.width, cells: self.cells.clone() }
    }

    /// The memory is used again.
    fn clone_from(&mut self, source: &Self) {
        self.width = source.width;
        self.cells.clone_from(&source.cells);
    }
}

impl Outline {
    /// Width and height in cells; (0, 0): there is none.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.cells.len() as u32 / self.width.max(1))
    }

    /// The rows from the top, each with its cells from the left.
    pub fn rows(&self) -> ChunksExact<'_, bool> {
        self.cells.chunks_exact(self.width.max(1) as usize)
    }
}

/// Draws outlines; its buffers are used again for the next picture.
#[derive(Debug, Default)]
pub struct Outliner {
    /// Mean grey of each cell, 0 to 255.
    means: Vec<i32>,
    /// For each cell how steeply the grey changes there.
    changes: Vec<u32>,
}

impl Outliner {
    /// Makes `outline` that of `picture`. A picture that is smaller than the cells is not outlined.
    pub fn draw(&mut self, picture: &GrayImage, outline: &mut Outline) {
        let (width, height) = picture.dimensions();
        let block = width.max(height).div_ceil(CELLS).max(1);
        let (columns, rows) = (width / block, height / block);
        outline.cells.clear();
        outline.width = columns;
        if columns < 3 || rows < 3 {
            outline.width = 0;
            return;
        }
        self.average(picture, block, columns, rows);
        self.differentiate(columns as usize);
        let sum: u64 = self.changes.iter().map(|change| u64::from(*change)).sum();
        let mean = (sum / self.changes.len() as u64) as u32;
        let least = (STEEPNESS * mean).max(LEAST_CHANGE);
        outline.cells.extend(self.changes.iter().map(|change| *change >= least));
    }

    fn average(&mut self, picture: &GrayImage, block: u32, columns: u32, rows: u32) {
        let (block, columns) = (block as usize, columns as usize);
        self.means.clear();
        self.means.resize(columns * rows as usize, 0);
        let lines = picture.as_raw().chunks_exact(picture.width() as usize);
        for (y, line) in lines.take(block * rows as usize).enumerate() {
            let sums = &mut self.means[y / block * columns..][..columns];
            for (sum, pixels) in sums.iter_mut().zip(line.chunks_exact(block)) {
                *sum += pixels.iter().map(|pixel| i32::from(*pixel)).sum::<i32>();
            }
        }
        let count = (block * block) as i32;
        self.means.iter_mut().for_each(|sum| *sum /= count);
    }

    /// Sobel's operator, |horizontal| + |vertical|; 0 along the border.
    fn differentiate(&mut self, columns: usize) {
        self.changes.clear();
        self.changes.resize(self.means.len(), 0);
        let rows = self.means.len() / columns;
        for y in 1..rows - 1 {
            let [above, here, below] = [y - 1, y, y + 1].map(|row| &self.means[row * columns..][..columns]);
            let changes = &mut self.changes[y * columns + 1..][..columns - 2];
            let windows = above.windows(3).zip(here.windows(3)).zip(below.windows(3));
            for (change, ((above, here), below)) in changes.iter_mut().zip(windows) {
                let column = |x: usize| above[x] + 2 * here[x] + below[x];
                let row = |row: &[i32]| row[0] + 2 * row[1] + row[2];
                *change = column(2).abs_diff(column(0)) + row(below).abs_diff(row(above));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    fn outline_of(picture: &GrayImage) -> Outline {
        let mut outline = Outline::default();
        Outliner::default().draw(picture, &mut outline);
        outline
    }

    #[test]
    fn a_bright_square_has_an_outline_around_it_and_none_within() {
        // 192×144 pixels are 96×72 cells of 2×2; the square covers the cells 30 to 59.
        let inside = |x: u32, y: u32| (60..120).contains(&x) && (60..120).contains(&y);
        let outline = outline_of(&GrayImage::from_fn(192, 144, |x, y| Luma([if inside(x, y) { 200 } else { 40 }])));
        assert_eq!(outline.size(), (96, 72));
        let rows: Vec<_> = outline.rows().collect();
        let marked: Vec<_> = (0..96).filter(|column| rows[45][*column]).collect();
        assert_eq!(marked, [29, 30, 59, 60]);
        assert!(rows[20].iter().all(|cell| !cell));
    }

    #[test]
    fn noise_and_an_even_picture_have_no_outlines() {
        assert!(outline_of(&GrayImage::from_pixel(640, 480, Luma([90]))).cells.iter().all(|cell| !cell));
        let noise = GrayImage::from_fn(96, 72, |x, y| Luma([90 + (x * 7 + y * 13) as u8 % 8]));
        assert!(outline_of(&noise).cells.iter().all(|cell| !cell));
    }

    #[test]
    fn pictures_of_every_size_are_outlined_or_left_alone() {
        for (width, height) in [(0, 0), (1, 500), (2, 2), (3, 3), (97, 5), (97, 2), (640, 481), (480, 640)] {
            let (columns, rows) = outline_of(&GrayImage::new(width, height)).size();
            assert!(columns <= 96 && rows <= 96 && (columns == 0) == (rows == 0), "{width}×{height}: {columns}×{rows}");
        }
        assert_eq!(outline_of(&GrayImage::new(640, 480)).size(), (91, 68));
        assert_eq!(outline_of(&GrayImage::new(320, 240)).size(), (80, 60));
    }

    #[test]
    fn the_second_outline_allocates_nothing() {
        let (mut outliner, mut outline, mut copy) = (Outliner::default(), Outline::default(), Outline::default());
        let picture = GrayImage::from_fn(320, 240, |x, y| Luma([(x ^ y) as u8]));
        let mut draw = || {
            outliner.draw(&picture, &mut outline);
            copy.clone_from(&outline);
        };
        draw();
        assert_eq!(allocation_counter::measure(draw).count_total, 0);
    }
}
