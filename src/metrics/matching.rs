//! Which detections hit which true faces.

/// From this overlap on a detection hits a face.
const HIT: f64 = 0.5;

/// A box in real pixel coordinates; may leave the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Place {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Place {
    /// Intersection over union, 0 to 1.
    pub fn iou(&self, other: &Self) -> f64 {
        let shared = |start: f64, length: f64, other_start: f64, other_length: f64| {
            ((start + length).min(other_start + other_length) - start.max(other_start)).max(0.0)
        };
        let intersection = shared(self.x, self.width, other.x, other.width) * shared(self.y, self.height, other.y, other.height);
        let union = self.width * self.height + other.width * other.height - intersection;
        if union > 0.0 { intersection / union } else { 0.0 }
    }
}

/// How many of `faces` are hit by `detections`: one to one, best pairs first, at an overlap of 0.5 or more.
pub fn hits(faces: &[Place], detections: &[Place]) -> usize {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (face, place) in faces.iter().enumerate() {
        for (detection, found) in detections.iter().enumerate() {
            let overlap = place.iou(found);
            if overlap >= HIT {
                pairs.push((overlap, face, detection));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut faces_left, mut detections_left) = (vec![true; faces.len()], vec![true; detections.len()]);
    let mut hits = 0;
    for (_, face, detection) in pairs {
        if faces_left[face] && detections_left[detection] {
            (faces_left[face], detections_left[detection]) = (false, false);
            hits += 1;
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn square(x: f64, y: f64, side: f64) -> Place {
        Place { x, y, width: side, height: side }
    }

    #[test]
    fn a_detection_hits_from_half_an_overlap_on() {
        let face = [square(0.0, 0.0, 30.0)];
        // Shifted by a third: 20·30 shared of 2·900 − 600 = 1200, exactly one half.
        assert_eq!(hits(&face, &[square(10.0, 0.0, 30.0)]), 1);
        assert_eq!(hits(&face, &[square(10.1, 0.0, 30.0)]), 0);
    }

    #[test]
    fn two_detections_of_one_face_are_one_hit_and_the_better_one_counts() {
        let faces = [square(0.0, 0.0, 30.0), square(8.0, 0.0, 30.0)];
        assert_eq!(hits(&faces[..1], &[square(1.0, 0.0, 30.0), square(2.0, 0.0, 30.0)]), 1);
        // The first detection lies better on the second face; taken for the first one it would leave the other without.
        assert_eq!(hits(&faces, &[square(7.0, 0.0, 30.0), square(-8.0, 0.0, 30.0)]), 2);
    }
}
