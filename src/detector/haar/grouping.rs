//! Joins the windows that found the same face into one box.

use crate::detector::Detection;
use crate::frame::BoundingBox;

/// A window that passed all stages, in the coordinates of the picture. May stand out of it by a rounding error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// How far apart two windows may be, as a share of their size, and still mean one face.
const TOLERANCE: f64 = 0.2;

/// Buffers of the grouping, reused from picture to picture.
#[derive(Debug, Default)]
pub(super) struct Grouping {
    /// For each candidate one of its class that comes earlier, or itself if it is the first.
    parents: Vec<u32>,
    /// For each candidate, when it is the first of its class: which class that is.
    classes: Vec<u32>,
    groups: Vec<Group>,
}

/// A class of similar candidates.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// First the members' sums, then their mean.
    mean: Candidate,
    members: u32,
}

impl Grouping {
    /// Room for `candidates`.
    pub(super) fn with_capacity(candidates: usize) -> Self {
        Self {
            parents: Vec::with_capacity(candidates),
            classes: Vec::with_capacity(candidates),
            groups: Vec::with_capacity(candidates),
        }
    }

    /// Appends to `detections` a box for each class of more than `min_neighbors` similar candidates that does not lie inside a stronger one;
    /// with `min_neighbors` 0 each candidate itself.
    pub(super) fn group(
        &mut self,
        candidates: &[Candidate],
        min_neighbors: u32,
        picture: (u32, u32),
        detections: &mut Vec<Detection>,
    ) {
        if min_neighbors == 0 {
            detections.extend(candidates.iter().filter_map(|candidate| clipped(candidate, 1, picture)));
            return;
        }
        self.find_classes(candidates);
        self.groups.retain(|group| group.members > min_neighbors);
        let stays = |group: &&Group| !self.groups.iter().any(|other| is_absorbed(group, other));
        let kept = self.groups.iter().filter(stays);
        detections.extend(kept.filter_map(|group| clipped(&group.mean, group.members, picture)));
    }

    /// Fills `groups`: the connected components of similarity, in the order of their first members.
    fn find_classes(&mut self, candidates: &[Candidate]) {
        let Self { parents, classes, groups } = self;
        parents.clear();
        for (index, candidate) in candidates.iter().enumerate() {
            let index = index as u32;
            parents.push(index);
            for other in 0..index {
                if is_similar(candidate, &candidates[other as usize]) {
                    let (root, other_root) = (root_of(parents, index), root_of(parents, other));
                    parents[root.max(other_root) as usize] = root.min(other_root);
                }
            }
        }

        classes.clear();
        groups.clear();
        for (index, candidate) in candidates.iter().enumerate() {
            let root = root_of(parents, index as u32) as usize;
            if root == index {
                classes.push(groups.len() as u32);
                groups.push(Group { mean: Candidate { x: 0, y: 0, width: 0, height: 0 }, members: 0 });
            } else {
                classes.push(classes[root]);
            }
            let Group { mean, members } = &mut groups[classes[index] as usize];
            mean.x += candidate.x;
            mean.y += candidate.y;
            mean.width += candidate.width;
            mean.height += candidate.height;
            *members += 1;
        }
        for Group { mean, members } in groups {
            let share = 1.0 / *members as f32;
            for side in [&mut mean.x, &mut mean.y, &mut mean.width, &mut mean.height] {
                *side = (*side as f32 * share).round_ties_even() as i32;
            }
        }
    }
}

/// The first member of the class of `index`; shortens the way there for the next time.
fn root_of(parents: &mut [u32], mut index: u32) -> u32 {
    while parents[index as usize] != index {
        let grandparent = parents[parents[index as usize] as usize];
        parents[index as usize] = grandparent;
        index = grandparent;
    }
    index
}

fn is_similar(a: &Candidate, b: &Candidate) -> bool {
    let most = TOLERANCE * f64::from(a.width.min(b.width) + a.height.min(b.height)) * 0.5;
    let near = |a: i32, b: i32| f64::from((a - b).abs()) <= most;
    near(a.x, b.x) && near(a.y, b.y) && near(a.x + a.width, b.x + b.width) && near(a.y + a.height, b.y + b.height)
}

/// Whether `group` lies inside `other`, with some tolerance, and has much less support.
fn is_absorbed(group: &Group, other: &Group) -> bool {
    if std::ptr::eq(group, other) || !(other.members > group.members.max(3) || group.members < 3) {
        return false;
    }
    let (inner, outer) = (&group.mean, &other.mean);
    let tolerance = |side: i32| (f64::from(side) * TOLERANCE).round_ties_even() as i32;
    let (dx, dy) = (tolerance(outer.width), tolerance(outer.height));
    inner.x >= outer.x - dx
        && inner.y >= outer.y - dy
        && inner.x + inner.width <= outer.x + outer.width + dx
        && inner.y + inner.height <= outer.y + outer.height + dy
}

/// The part inside the picture, if there is any.
fn clipped(candidate: &Candidate, neighbors: u32, (width, height): (u32, u32)) -> Option<Detection> {
    let inside = |value: i32, most: u32| u32::try_from(value).unwrap_or(0).min(most);
    let (x, y) = (inside(candidate.x, width), inside(candidate.y, height));
    let right = inside(candidate.x + candidate.width, width);
    let bottom = inside(candidate.y + candidate.height, height);
    let bounding_box = BoundingBox { x, y, width: right - x, height: bottom - y };
    (bounding_box.area() > 0).then_some(Detection { bounding_box, score: neighbors as f32 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: i32, y: i32, side: i32) -> Candidate {
        Candidate { x, y, width: side, height: side }
    }

    fn grouped(candidates: &[Candidate], min_neighbors: u32) -> Vec<(u32, u32, u32, u32, u32)> {
        let mut detections = vec![];
        Grouping::default().group(candidates, min_neighbors, (100, 100), &mut detections);
        let flat =
            |d: &Detection| (d.bounding_box.x, d.bounding_box.y, d.bounding_box.width, d.bounding_box.height, d.score as u32);
        detections.iter().map(flat).collect()
    }

    #[test]
    fn similar_windows_become_their_mean_with_halves_to_even() {
        // Means 10.5 → 10, 21.5 → 22, 30.
        assert_eq!(grouped(&[square(10, 21, 30), square(11, 22, 30)], 1), [(10, 22, 30, 30, 2)]);
    }

    #[test]
    fn more_than_min_neighbors_must_agree() {
        let three = [square(10, 20, 30), square(10, 20, 30), square(10, 20, 30)];
        assert_eq!(grouped(&three, 2), [(10, 20, 30, 30, 3)]);
        assert_eq!(grouped(&three, 3), []);
    }

    #[test]
    fn similar_means_a_fifth_of_the_smaller_side_apart_at_most() {
        assert_eq!(grouped(&[square(10, 20, 30), square(16, 20, 30)], 1).len(), 1);
        assert_eq!(grouped(&[square(10, 20, 30), square(17, 20, 30)], 1).len(), 0);
    }

    #[test]
    fn similarity_is_handed_on_and_classes_keep_the_order_of_their_first_members() {
        // The first and the third are apart; the fourth joins them. The second stands alone, twice.
        let candidates = [square(10, 10, 30), square(60, 60, 20), square(20, 10, 30), square(15, 10, 30), square(60, 60, 20)];
        assert_eq!(grouped(&candidates, 1), [(15, 10, 30, 30, 3), (60, 60, 20, 20, 2)]);
    }

    #[test]
    fn a_weak_class_inside_a_strong_one_is_dropped() {
        let mut candidates = vec![square(10, 10, 60); 4];
        candidates.extend([square(20, 20, 20); 2]);
        assert_eq!(grouped(&candidates, 1), [(10, 10, 60, 60, 4)]);
        // As many as the outer one: both stay.
        candidates.extend([square(20, 20, 20); 2]);
        assert_eq!(grouped(&candidates, 1), [(10, 10, 60, 60, 4), (20, 20, 20, 20, 4)]);
    }

    #[test]
    fn boxes_are_cut_at_the_border_of_the_picture() {
        assert_eq!(grouped(&[square(80, 71, 30), square(80, 71, 30)], 1), [(80, 71, 20, 29, 2)]);
    }

    #[test]
    fn without_a_least_number_of_neighbors_each_window_is_a_box() {
        assert_eq!(grouped(&[square(1, 2, 30), square(1, 2, 30)], 0), [(1, 2, 30, 30, 1), (1, 2, 30, 30, 1)]);
    }
}
