//! What is said beside or below a picture when there is no face: a title, what to do, and perhaps a reason.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::pixelcolor::Rgb888;

use super::brush::Brush;
use super::layout::{Align, Layout, Line};
use super::words::Message;

/// Draws the title, then the whole advice where it fits, in letters as large as there is room for, else the brief one, else none: half a sentence
/// helps nobody. Then `details`, as far as there is room.
pub(super) fn draw_message<D: DrawTarget<Color = Rgb888>>(
    message: &'static Message,
    details: &str,
    layout: &Layout,
    brush: &mut Brush<'_, D>,
) -> Result<(), D::Error> {
    let Layout { message: area, message_align: align, message_size, title_size, .. } = *layout;
    let palette = *brush.palette;
    let x = if align == Align::Center { area.center().0 } else { area.x };
    let line = |center_y: f32, size: f32| Line { x, center_y, size, align, max_width: area.width };

    let title_height = title_height(&message.title, &line(0.0, title_size), area.height, brush);
    let gap = if title_size * brush.scale < 20.0 { 1.0 / brush.scale } else { 0.3 * title_size };
    let room = area.height - title_height - gap;
    // Of the details at least a line.
    let details_gap = 0.5 * message_size;
    let kept = if details.is_empty() { 0.0 } else { details_gap + message_size };
    let (text, size) = fitting_text(message, message_size, &line(0.0, message_size), room - kept, brush);
    let lines = brush.balanced(text, &line(0.0, size));
    let text_height = brush.height_of(text, &lines);
    let details_room = (room - text_height - details_gap).max(0.0);
    let details_height =
        if details.is_empty() { 0.0 } else { brush.height_of(details, &line(0.0, message_size)).min(details_room) + details_gap };

    // Beside a picture the whole stands in the middle.
    let free = (room - text_height - details_height).max(0.0);
    let top = area.y + if align == Align::Left { free / 2.0 } else { 0.0 };
    if title_height > title_size {
        let first = line(top + 0.25 * title_height, title_size);
        brush.paragraph(&message.title, &first, area.bottom(), palette.ink, palette.paper)?;
    } else {
        brush.text(&message.title, &line(top + 0.5 * title_size, title_size), palette.ink, palette.paper)?;
    }
    let top = top + title_height + gap;
    let first = Line { center_y: top + 0.5 * brush.pitch(text, size), ..lines };
    brush.paragraph(text, &first, area.bottom() + 0.2 * message_size, palette.quiet, palette.paper)?;
    let top = top + text_height + details_gap;
    let first = line(top + 0.5 * brush.pitch(details, message_size), message_size);
    brush.paragraph(details, &first, area.bottom() + 0.2 * message_size, palette.quiet, palette.paper)?;
    Ok(())
}

/// A title that would have to become much smaller gets two lines, if there is room for them.
fn title_height<D: DrawTarget<Color = Rgb888>>(title: &str, line: &Line, room: f32, brush: &mut Brush<'_, D>) -> f32 {
    let height = brush.height_of(title, line);
    let is_too_wide = brush.text_width(title, line.size) > 1.1 * line.max_width;
    if is_too_wide && height.is_finite() && room > 5.0 * line.size { height } else { line.size }
}

/// What to say in this room, and in letters of which size.
fn fitting_text<'a, D: DrawTarget<Color = Rgb888>>(
    message: &'a Message,
    size: f32,
    line: &Line,
    room: f32,
    brush: &mut Brush<'_, D>,
) -> (&'a str, f32) {
    for text in [&message.advice, &message.brief] {
        // Larger letters must leave some air.
        for (factor, share) in [(1.25, 0.85), (1.0, 1.0), (0.92, 1.0), (0.8, 1.0)] {
            let size = factor * size;
            if brush.height_of(text, &Line { size, ..*line }) <= share * room {
                return (text, size);
            }
        }
    }
    ("", size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::display::canvas::Canvas;
    use crate::outputs::display::layout::Room;
    use crate::outputs::display::lettering::Letters;
    use crate::outputs::display::palette::Palette;
    use crate::outputs::display::words::Language;

    /// Of each message in each language, whether the whole advice is said, or only the brief one, on a display of this size.
    fn said(width: f32, height: f32, round: bool) -> Vec<(String, bool)> {
        let mut said = Vec::new();
        for language in Language::ALL {
            let (words, mut letters) = (language.words(), Letters::default());
            let room = Room { round, least_letters: language.least_letters(), ..Room::of_pixels(width, height) };
            let Layout { message: area, message_align: align, message_size: size, title_size, .. } = Layout::new(&room);
            let mut canvas = Canvas::new(1, 1);
            let palette = &Palette::COLOR;
            let mut brush = Brush { target: &mut canvas, scale: 1.0, letters: &mut letters, palette, words, captions: None };
            for message in [&words.starting, &words.no_face, &words.camera_lost, &words.covered, &words.paused, &words.counting] {
                let line = Line { x: 0.0, center_y: 0.0, size, align, max_width: area.width };
                let room = area.height - title_size - if title_size < 20.0 { 1.0 } else { 0.3 * title_size };
                let (text, _) = fitting_text(message, size, &line, room, &mut brush);
                assert!(!text.is_empty(), "{} on {width}×{height}", message.title);
                said.push((message.title.clone(), text == message.advice));
            }
        }
        said
    }

    #[test]
    fn on_every_display_it_is_said_what_to_do_and_from_320_by_240_on_in_full() {
        for (width, height, round) in [(127.0, 31.0, false), (127.0, 63.0, false), (159.0, 127.0, false), (238.0, 238.0, true)] {
            said(width, height, round);
        }
        for (width, height) in [(318.0, 238.0), (238.0, 318.0), (478.0, 318.0), (796.0, 476.0), (1916.0, 1076.0)] {
            for (title, in_full) in said(width, height, false) {
                assert!(in_full, "{title} on {width}×{height}");
            }
        }
    }
}
