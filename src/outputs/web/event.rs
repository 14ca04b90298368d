//! What an open page is told: everything that changes, in one line of JSON.

use hyper::body::Bytes;
use serde::Serialize;

use super::live::{Now, Sight};
use crate::classifier::{Emotion, Probabilities};
use crate::health::Snapshot;
use crate::outline::Outline;
use crate::pause::Pause;

/// What an event says.
#[derive(Serialize)]
struct Event<'a> {
    device: &'a str,
    sight: Sight,
    reason: &'a str,
    faces: usize,
    counting: bool,
    expression: Option<Emotion>,
    /// In the order of [`Emotion::ALL`]; none without a face.
    probabilities: Option<[f32; 7]>,
    /// `off`, `asked` for, or `switched` by the privacy switch.
    pause: &'static str,
    health: &'a Snapshot,
    #[serde(skip_serializing_if = "Option::is_none")]
    outline: Option<Cells>,
}

/// An outline for the page.
#[derive(Serialize)]
struct Cells {
    width: u32,
    /// Row by row from the top left, four cells in a hexadecimal digit.
    cells: String,
}

impl Cells {
    fn of(outline: &Outline) -> Option<Self> {
        let (width, height) = outline.size();
        let cells: Vec<bool> = outline.rows().flatten().copied().collect();
        let digit =
            |four: &[bool]| char::from_digit((0..4).fold(0, |sum, i| 2 * sum + u32::from(four.get(i) == Some(&true))), 16);
        (width * height > 0).then(|| Self { width, cells: cells.chunks(4).filter_map(digit).collect() })
    }
}

/// An event as the format wants it: `data: …` and an empty line.
pub(super) fn event(device: &str, now: &Now, reason: &str, pause: &Pause, health: &Snapshot, outline: &Outline) -> Bytes {
    let pause = match (pause.is_on(), pause.is_switched()) {
        (false, _) => "off",
        (true, false) => "asked",
        (true, true) => "switched",
    };
    let event = Event {
        device,
        sight: now.sight,
        reason,
        faces: now.faces,
        counting: now.counting,
        expression: now.face.map(|(expression, _)| expression),
        probabilities: now.face.as_ref().map(|(_, probabilities)| *Probabilities::as_array(probabilities)),
        pause,
        health,
        outline: Cells::of(outline),
    };
    let text = serde_json::to_string(&event).expect("an event has a JSON form");
    format!("data: {text}\n\n").into()
}

#[cfg(test)]
mod tests {
    use image::GrayImage;

    use super::*;
    use crate::outline::Outliner;

    #[test]
    fn an_outline_is_told_in_hexadecimal_digits_of_four_cells() {
        // Dark on the left, light on the right: two columns of outlines in the middle of eight.
        let picture = GrayImage::from_fn(8, 4, |x, _| image::Luma([if x < 4 { 0 } else { 255 }]));
        let mut outline = Outline::default();
        Outliner::default().draw(&picture, &mut outline);
        let rows: Vec<String> =
            outline.rows().map(|row| row.iter().map(|cell| if *cell { '1' } else { '0' }).collect()).collect();
        assert!(rows.iter().any(|row| row == "00011000"), "{rows:?}");
        let digits = |row: &String| format!("{:02x}", u8::from_str_radix(row, 2).unwrap());
        let cells = Cells::of(&outline).unwrap();
        assert_eq!((cells.width, cells.cells), (8, rows.iter().map(digits).collect()));
        assert!(Cells::of(&Outline::default()).is_none());
    }
}
