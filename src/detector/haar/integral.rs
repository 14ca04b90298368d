//! Integral images: the sum of all pixels above and left of each place, so that any rectangle's sum takes four reads
//! (Viola and Jones 2001, section 2.1).

/// Sums and sums of squares of one level's pixels. Both wrap around in large pictures; the differences that make up a window do not.
///
/// Windows `step` apart are read side by side: for step 2 the even columns stand first in a row, then the odd ones, so that one corner of a
/// rectangle has neighbouring places for neighbouring windows. The distance between rows is the same for all levels of a picture, so that
/// a corner's distance from its window's place depends on the step only.
#[derive(Debug, Default)]
pub(super) struct Integral {
    stride: usize,
    pub(super) sums: Vec<i32>,
    pub(super) squares: Vec<i32>,
}

impl Integral {
    /// Room for pictures of up to this size, and for `spare` values more.
    pub(super) fn with_size(width: usize, height: usize, spare: usize) -> Self {
        // Two for the halves of the deinterleaved layout to be whole. An odd number of cache lines (16 values), so that rows do not all
        // fall into one set of the cache.
        let lines = (width + 2).div_ceil(16) | 1;
        let stride = lines * 16;
        let length = stride * (height + 1) + spare;
        Self { stride, sums: vec![0; length], squares: vec![0; length] }
    }

    /// Where (`x`, `y`) stands if windows are `step` apart. Of two places with even `x` and `y` this is the sum: the offset of a corner
    /// may be added to that of a window.
    pub(super) fn offset(&self, x: usize, y: usize, step: usize) -> usize {
        let column = if step == 2 { x / 2 + x % 2 * (self.stride / 2) } else { x };
        y * self.stride + column
    }

    /// Begins a picture: nothing is above its first row.
    pub(super) fn begin(&mut self) {
        self.sums[..self.stride].fill(0);
        self.squares[..self.stride].fill(0);
    }

    /// Adds the picture's row `y`; rows must come in order.
    pub(super) fn push_row(&mut self, y: usize, pixels: &[u8], step: usize) {
        let sums = rows(&mut self.sums, y, self.stride);
        let squares = rows(&mut self.squares, y, self.stride);
        if step == 2 {
            push_deinterleaved(pixels, sums, |pixel| pixel);
            push_deinterleaved(pixels, squares, |pixel| pixel * pixel);
        } else {
            push(pixels, sums, |pixel| pixel);
            push(pixels, squares, |pixel| pixel * pixel);
        }
    }
}

/// Row `y` of an integral image, to be read, and the next, to be written.
fn rows(values: &mut [i32], y: usize, stride: usize) -> (&[i32], &mut [i32]) {
    let (above, below) = values.split_at_mut((y + 1) * stride);
    (&above[y * stride..], &mut below[..stride])
}

fn push(pixels: &[u8], (above, below): (&[i32], &mut [i32]), value: impl Fn(i32) -> i32) {
    below[0] = 0;
    let mut sum = 0_i32;
    for ((below, above), pixel) in below[1..].iter_mut().zip(&above[1..]).zip(pixels) {
        sum = sum.wrapping_add(value(i32::from(*pixel)));
        *below = above.wrapping_add(sum);
    }
}

fn push_deinterleaved(pixels: &[u8], (above, below): (&[i32], &mut [i32]), value: impl Fn(i32) -> i32) {
    let half = above.len() / 2;
    let (above_even, above_odd) = above.split_at(half);
    let (below_even, below_odd) = below.split_at_mut(half);
    below_even[0] = 0;
    let mut sum = 0_i32;
    let even = below_even[1..].iter_mut().zip(&above_even[1..]);
    let odd = below_odd.iter_mut().zip(above_odd);
    let (pairs, rest) = pixels.as_chunks::<2>();
    for (((below_even, above_even), (below_odd, above_odd)), [left, right]) in even.zip(odd).zip(pairs) {
        let left = sum.wrapping_add(value(i32::from(*left)));
        sum = left.wrapping_add(value(i32::from(*right)));
        *below_odd = above_odd.wrapping_add(left);
        *below_even = above_even.wrapping_add(sum);
    }
    if let [last] = rest {
        let index = pairs.len();
        below_odd[index] = above_odd[index].wrapping_add(sum.wrapping_add(value(i32::from(*last))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3 rows of 5 pixels.
    const PIXELS: [[u8; 5]; 3] = [[1, 2, 3, 4, 5], [10, 20, 30, 40, 50], [200, 100, 0, 255, 7]];

    fn integral(step: usize) -> Integral {
        let mut integral = Integral::with_size(5, 3, 0);
        integral.begin();
        for (y, row) in PIXELS.iter().enumerate() {
            integral.push_row(y, row, step);
        }
        integral
    }

    #[test]
    fn each_place_holds_the_sum_of_what_is_above_and_left_of_it() {
        let expected = [[0, 0, 0, 0, 0, 0], [0, 1, 3, 6, 10, 15], [0, 11, 33, 66, 110, 165], [0, 211, 333, 366, 665, 727]];
        for step in [1, 2] {
            let integral = integral(step);
            for (y, row) in expected.iter().enumerate() {
                for (x, sum) in row.iter().enumerate() {
                    assert_eq!(integral.sums[integral.offset(x, y, step)], *sum, "x {x}, y {y}, step {step}");
                }
            }
            // 1 + 4, and 1 + 4 + 100 + 400.
            assert_eq!(integral.squares[integral.offset(2, 1, step)], 5);
            assert_eq!(integral.squares[integral.offset(2, 2, step)], 505);
        }
    }

    #[test]
    fn with_step_two_windows_side_by_side_have_their_corners_side_by_side() {
        let integral = integral(2);
        for corner in [0, 1, 2] {
            let first = integral.offset(corner, 1, 2);
            assert_eq!(integral.offset(corner + 2, 1, 2), first + 1);
            assert_eq!(integral.offset(2, 2, 2) + integral.offset(corner, 1, 2), integral.offset(corner + 2, 3, 2));
        }
    }
}
