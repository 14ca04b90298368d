//! One stage for eight windows side by side, in the lanes of vector registers.
//!
//! Exact, though leaves are summed up in 32 bits here and in 64 by OpenCV: leaves are rounded to a unit in which every sum is a whole number
//! that 32 bits hold exactly, so that the error is at most half a unit a tree. A sum nearer to the threshold than that is left open, and is
//! computed as OpenCV does it by [`PlacedCascade::passes`](super::placed::PlacedCascade::passes); one window in some thousands.
//!
//! `wide` because plain loops over arrays are vectorised only in part: 640×480 at 1.1 takes twice as long (Xeon, SSE2, rustc 1.95).

use wide::{f32x8, i32x8};

use super::cascade::{Child, MOST_NODES_OF_A_TREE};
use super::placed::{Corners, PlacedFeature, PlacedNode, PlacedTree};

/// How many windows are looked at together.
pub(super) const LANES: usize = 8;

/// A stage whose leaves are in its own unit.
#[derive(Debug)]
pub(super) struct LaneStage {
    trees: Trees,
    /// Sums below this one fail for certain.
    fails_below: f32,
    /// Sums from this one on pass for certain.
    passes_from: f32,
}

#[derive(Debug)]
enum Trees {
    /// All trees have one node, as in most cascades.
    Stumps {
        stumps: Vec<Stump>,
        /// The sum if all go right.
        base: f32,
    },
    Deep(Vec<Vec<LaneNode>>),
}

#[derive(Debug)]
struct Stump {
    feature: PlacedFeature,
    threshold: f32,
    /// The left leaf less the right one.
    gain: f32,
}

#[derive(Debug)]
struct LaneNode {
    feature: PlacedFeature,
    threshold: f32,
    left: LaneChild,
    right: LaneChild,
}

#[derive(Debug)]
enum LaneChild {
    Leaf(f32),
    Node(usize),
}

/// What became of eight windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdicts {
    /// Bit by bit, the first window in the lowest: has passed.
    pub(super) passed: u32,
    /// Is too near to the threshold to tell.
    pub(super) open: u32,
}

impl LaneStage {
    /// `trees` are the stage's own; `nodes` and `leaves` are the whole cascade's.
    pub(super) fn new(threshold: f32, trees: &[PlacedTree], nodes: &[PlacedNode], leaves: &[f32]) -> Self {
        let largest_leaf =
            |tree: &PlacedTree| leaves[tree.leaves.clone()].iter().fold(0.0, |most: f32, leaf| most.max(leaf.abs()));
        let largest_sum = trees.iter().map(|tree| f64::from(largest_leaf(tree))).sum::<f64>() + f64::from(threshold.abs());
        // All sums are then below 2²³ units, with room for the rounding.
        let units = 2.0_f64.powi(23 - largest_sum.max(f64::from(f32::MIN_POSITIVE)).log2().ceil() as i32);
        let in_units = |value: f32| (f64::from(value) * units).round() as f32;

        let leaf = |tree: &PlacedTree, number: usize| in_units(leaves[tree.leaves.start + number]);
        let stumps = trees.iter().map(|tree| match &nodes[tree.nodes.clone()] {
            [PlacedNode { feature, threshold, left: Child::Leaf(left), right: Child::Leaf(right) }] => {
                let (left, right) = (leaf(tree, *left), leaf(tree, *right));
                Some((right, Stump { feature: feature.clone(), threshold: *threshold, gain: left - right }))
            }
            _ => None,
        });
        let trees_in_lanes = if let Some(stumps) = stumps.collect::<Option<Vec<_>>>() {
            let base = stumps.iter().map(|(right, _)| right).sum();
            Trees::Stumps { stumps: stumps.into_iter().map(|(_, stump)| stump).collect(), base }
        } else {
            let deep = trees.iter().map(|tree| {
                let child = |child: Child| match child {
                    Child::Leaf(number) => LaneChild::Leaf(leaf(tree, number)),
                    Child::Node(number) => LaneChild::Node(number),
                };
                let nodes = nodes[tree.nodes.clone()].iter().map(|node| LaneNode {
                    feature: node.feature.clone(),
                    threshold: node.threshold,
                    left: child(node.left),
                    right: child(node.right),
                });
                nodes.collect()
            });
            Trees::Deep(deep.collect())
        };
        // Half a unit for each tree and for the threshold; OpenCV's own rounding is far smaller.
        let margin = (trees.len() / 2 + 2) as f32;
        let threshold = in_units(threshold);
        Self { trees: trees_in_lanes, fails_below: threshold - margin, passes_from: threshold + margin }
    }

    /// `windows` is the integral image from the first window's place on; a window to be left alone has the normalisation 0.
    #[inline(never)]
    pub(super) fn verdicts(&self, windows: &[i32], normalisations: &[f32; LANES]) -> Verdicts {
        let normalisations = f32x8::new(*normalisations);
        let sum = match &self.trees {
            Trees::Stumps { stumps, base } => {
                let mut sum = f32x8::splat(*base);
                for Stump { feature, threshold, gain } in stumps {
                    let below = (values(feature, windows) * normalisations).simd_lt(f32x8::splat(*threshold));
                    sum += below & f32x8::splat(*gain);
                }
                sum
            }
            Trees::Deep(trees) => {
                let mut sum = f32x8::ZERO;
                // What comes of each node of a tree. Children have greater numbers than their parents: from the last node to the first.
                let mut results = [f32x8::ZERO; MOST_NODES_OF_A_TREE];
                for tree in trees {
                    for (number, LaneNode { feature, threshold, left, right }) in tree.iter().enumerate().rev() {
                        let below = (values(feature, windows) * normalisations).simd_lt(f32x8::splat(*threshold));
                        results[number] = below.select(result(left, &results), result(right, &results));
                    }
                    sum += results[0];
                }
                sum
            }
        };
        let passed = !sum.simd_lt(f32x8::splat(self.passes_from));
        let failed = sum.simd_lt(f32x8::splat(self.fails_below));
        Verdicts { passed: passed.to_bitmask(), open: !(passed | failed).to_bitmask() & 0xff }
    }
}

#[inline(always)]
fn result(child: &LaneChild, results: &[f32x8]) -> f32x8 {
    match child {
        LaneChild::Leaf(leaf) => f32x8::splat(*leaf),
        LaneChild::Node(number) => results[*number],
    }
}

/// The weighted sums of a feature's rectangles, operation by operation as for one window.
#[inline(always)]
fn values(feature: &PlacedFeature, windows: &[i32]) -> f32x8 {
    let PlacedFeature { corners: [first, second, third], weights } = feature;
    let two = sums(first, windows) * f32x8::splat(weights[0]) + sums(second, windows) * f32x8::splat(weights[1]);
    if weights[2] == 0.0 { two } else { two + sums(third, windows) * f32x8::splat(weights[2]) }
}

#[inline(always)]
fn sums(corners: &Corners, windows: &[i32]) -> f32x8 {
    let [top_left, top_right, bottom_left, bottom_right] = corners.map(|corner| {
        let corner = corner as usize;
        i32x8::new(*windows[corner..corner + LANES].first_chunk().expect("the slice has this length"))
    });
    (bottom_right - top_right - bottom_left + top_left).round_float()
}

#[cfg(test)]
mod tests {
    use super::super::cascade::{Feature, HaarCascade, Node, Rectangle, Stage, Tree};
    use super::super::integral::Integral;
    use super::super::placed::PlacedCascade;
    use super::*;

    const WINDOW: usize = 12;

    /// Numbers that look random, the same ones each time.
    struct Noise(u32);

    impl Noise {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 8) as usize % limit
        }

        fn rectangle(&mut self, weight: f32) -> Rectangle {
            let (x, y) = (self.below(WINDOW), self.below(WINDOW));
            Rectangle { x, y, width: 1 + self.below(WINDOW - x), height: 1 + self.below(WINDOW - y), weight }
        }
    }

    /// One stage of 20 trees.
    fn cascade(noise: &mut Noise, nodes_of_a_tree: usize, weights: [f32; 3]) -> HaarCascade {
        let mut cascade = HaarCascade {
            width: WINDOW,
            height: WINDOW,
            stages: vec![],
            trees: vec![],
            nodes: vec![],
            leaves: vec![],
            features: vec![],
        };
        for _ in 0..20 {
            for node in 0..nodes_of_a_tree {
                // Two nodes: 0 goes on to 1. Three: 0 goes on to 1 and 2.
                let child = |side: usize| {
                    let next = 2 * node + 1 + side;
                    if next < nodes_of_a_tree { Child::Node(next) } else { Child::Leaf(2 * node + side) }
                };
                let threshold = (noise.below(2000) as f32 - 1000.0) * 2e-3;
                let feature = cascade.features.len();
                cascade.nodes.push(Node { left: child(0), right: child(1), feature, threshold });
                cascade.features.push(Feature { rectangles: weights.map(|weight| noise.rectangle(weight)) });
            }
            // Some that no binary fraction meets.
            cascade.leaves.extend((0..2 * nodes_of_a_tree).map(|_| (noise.below(2001) as f32 - 1000.0) / 300.0));
            cascade.trees.push(Tree { nodes: nodes_of_a_tree, leaves: 2 * nodes_of_a_tree });
        }
        cascade.stages.push(Stage { threshold: 0.1, trees: 20 });
        cascade
    }

    /// The sums and a normalisation for each of 200×9 windows of noise.
    fn windows(noise: &mut Noise, step: usize) -> (Integral, Vec<f32>) {
        let mut integral = Integral::with_size(step * 200 + WINDOW, WINDOW + 8 * step, LANES);
        integral.begin();
        for y in 0..WINDOW + 8 * step {
            let row: Vec<u8> = (0..step * 200 + WINDOW).map(|_| noise.below(256) as u8).collect();
            integral.push_row(y, &row, step);
        }
        (integral, (0..200).map(|_| 1.0 / (1000.0 + noise.below(9000) as f32)).collect())
    }

    /// Compares all windows; gives how many passed, failed, were left open.
    fn compare(cascade: &HaarCascade, noise: &mut Noise, step: usize) -> [u32; 3] {
        let (integral, normalisations) = windows(noise, step);
        let placed = PlacedCascade::new(cascade, &integral, step);
        let stage = &placed.stages[0];
        let mut counts = [0; 3];
        for row in 0..9 {
            for (block, normalisations) in normalisations.as_chunks::<LANES>().0.iter().enumerate() {
                let place = integral.offset(0, row * step, step) + block * LANES;
                let Verdicts { passed, open } = stage.lanes.verdicts(&integral.sums[place..], normalisations);
                assert_eq!(passed & open, 0);
                for (lane, normalisation) in normalisations.iter().enumerate() {
                    if open >> lane & 1 == 1 {
                        counts[2] += 1;
                        continue;
                    }
                    let passes = passed >> lane & 1 == 1;
                    assert_eq!(passes, placed.passes(stage, &integral.sums[place + lane..], *normalisation));
                    counts[usize::from(!passes)] += 1;
                }
            }
        }
        counts
    }

    #[test]
    fn eight_windows_at_once_fare_as_one_by_one() {
        let mut noise = Noise(1);
        let mut totals = [0; 3];
        for nodes in [1, 2, 3] {
            for weights in [[-1.0, 2.0, 0.0], [-1.0, 3.0, 2.0], [-0.37, 1.21, 0.77]] {
                for step in [1, 2] {
                    let cascade = cascade(&mut noise, nodes, weights);
                    let counts = compare(&cascade, &mut noise, step);
                    totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
                }
            }
        }
        // The cascades are of some use, and hardly a window is left open.
        let [passed, failed, open] = totals;
        assert!(passed > 3000 && failed > 3000 && open < 30, "{totals:?}");
    }

    #[test]
    fn a_sum_at_the_threshold_is_left_open() {
        let mut noise = Noise(2);
        for nodes in [1, 2] {
            let mut cascade = cascade(&mut noise, nodes, [-1.0, 2.0, 0.0]);
            // Wherever a tree goes, the same comes out.
            cascade.leaves.fill(1.0 / 3.0);
            for (threshold, expected) in [(20.0 / 3.0, [0, 0, 1800]), (6.66, [1800, 0, 0]), (6.67, [0, 1800, 0])] {
                cascade.stages[0].threshold = threshold;
                assert_eq!(compare(&cascade, &mut noise, 1), expected);
            }
        }
    }
}
