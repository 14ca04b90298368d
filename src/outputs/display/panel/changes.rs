//! What differs between two pictures, as pieces that are cheap to send.
//!
//! Every piece costs a little beyond its pixels: the commands that name the window, and the time of the calls. So near pieces are sent as one.

use std::ops::Range;

/// The runs of `drawn` that differ from `shown`, a row each; runs with fewer than `gap` equal elements between them are one.
pub(super) fn runs<'a, T: PartialEq>(shown: &'a [T], drawn: &'a [T], gap: usize) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut next = 0;
    std::iter::from_fn(move || {
        let differs = |index: &usize| shown[*index] != drawn[*index];
        let begin = (next..drawn.len()).find(differs)?;
        let mut end = begin + 1;
        while let Some(further) = (end..drawn.len().min(end + gap)).find(differs) {
            end = further + 1;
        }
        next = end;
        Some(begin..end)
    })
}

/// A rectangle to send: columns and rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Patch {
    pub(super) columns: Range<usize>,
    pub(super) rows: Range<usize>,
    /// How many of its pixels lie in runs that changed.
    changed: usize,
}

impl Patch {
    /// The whole picture.
    pub(super) fn of_all(width: usize, height: usize) -> Self {
        Self { columns: 0..width, rows: 0..height, changed: width * height }
    }

    pub(super) fn area(&self) -> usize {
        self.columns.len() * self.rows.len()
    }

    /// The smallest that also covers `run` in row `y`, which is not above this one.
    fn with(&self, run: &Range<usize>, y: usize) -> Self {
        Self {
            columns: self.columns.start.min(run.start)..self.columns.end.max(run.end),
            rows: self.rows.start..y + 1,
            changed: self.changed + run.len(),
        }
    }
}

/// Runs of a row with fewer equal pixels between them are one.
const GAP: usize = 8;
/// Runs of one row that are so near may belong to one patch.
const NEAR: usize = 16;
/// So many pixels that did not change may be sent with a patch before another is begun. Naming a window takes three commands and six switches of the
/// data/command line: on a Raspberry Pi about as long as 256 pixels at 32 MHz.
const PRICE: usize = 256;

/// Covers all that differs between two pictures of `width` columns with few rectangles; they may overlap. `patches` is a buffer.
pub(super) fn find_patches<T: PartialEq>(shown: &[T], drawn: &[T], width: usize, patches: &mut Vec<Patch>) {
    patches.clear();
    for (y, (shown, drawn)) in shown.chunks_exact(width).zip(drawn.chunks_exact(width)).enumerate() {
        for run in runs(shown, drawn, GAP) {
            let affordable = patches.iter().enumerate().filter_map(|(index, patch)| {
                // What stands side by side stays apart: the gap between would be paid for in every row below.
                let beside = patch.rows.end > y && run.start > patch.columns.end + NEAR;
                let grown = patch.with(&run, y);
                (!beside && grown.area() <= grown.changed + PRICE).then(|| (grown.area() - patch.area(), index, grown))
            });
            match affordable.min_by_key(|(more, ..)| *more) {
                Some((_, index, grown)) => patches[index] = grown,
                None => patches.push(Patch { changed: run.len(), columns: run, rows: y..y + 1 }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patches(shown: &[u8], drawn: &[u8], width: usize) -> Vec<(Range<usize>, Range<usize>)> {
        let mut patches = Vec::new();
        find_patches(shown, drawn, width, &mut patches);
        patches.into_iter().map(|patch| (patch.columns, patch.rows)).collect()
    }

    #[test]
    fn runs_are_joined_over_small_gaps_only() {
        let all = |drawn: &str, gap| {
            let runs: Vec<_> = runs(&vec![b'.'; drawn.len()], drawn.as_bytes(), gap).map(|run| (run.start, run.end)).collect();
            runs
        };
        assert_eq!(all("..x.x...xx", 2), [(2, 5), (8, 10)]);
        assert_eq!(all("..x.x...xx", 4), [(2, 10)]);
        assert_eq!(all("x........x", 1), [(0, 1), (9, 10)]);
        assert_eq!(all("..........", 3), []);
    }

    #[test]
    fn nothing_changed_means_nothing_to_send() {
        assert_eq!(patches(&[7; 400], &[7; 400], 20), []);
    }

    #[test]
    fn two_things_side_by_side_are_two_patches_and_a_thing_is_one() {
        let (width, height) = (320, 60);
        let mut drawn = vec![0; width * height];
        for y in 10..50 {
            drawn[y * width + 20..y * width + 60].fill(1);
            drawn[y * width + 200..y * width + 300].fill(2);
        }
        assert_eq!(patches(&vec![0; width * height], &drawn, width), [(20..60, 10..50), (200..300, 10..50)]);
    }

    #[test]
    fn every_pixel_that_changed_lies_in_a_patch_and_little_else_does() {
        // Specks from a linear congruential generator (Knuth's MMIX constants).
        let (width, height) = (97, 53);
        let mut state = 1_u64;
        let mut speck = |one_in: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u8::from((state >> 33).is_multiple_of(one_in))
        };
        for one_in in [2, 10, 100, 1000] {
            let drawn: Vec<u8> = (0..width * height).map(|_| speck(one_in)).collect();
            let found = patches(&vec![0; width * height], &drawn, width);
            let mut covered = vec![false; width * height];
            for (columns, rows) in &found {
                rows.clone().for_each(|y| covered[y * width + columns.start..y * width + columns.end].fill(true));
            }
            assert!(drawn.iter().zip(&covered).all(|(changed, covered)| *changed == 0 || *covered), "one in {one_in}");
            let sent: usize = found.iter().map(|(columns, rows)| columns.len() * rows.len()).sum();
            let changed: usize =
                drawn.chunks(width).flat_map(|row| runs(&[0; 97], row, GAP).map(|run| run.len()).collect::<Vec<_>>()).sum();
            assert!(sent <= changed + PRICE * found.len(), "one in {one_in}: {sent} for {changed}");
        }
    }
}
