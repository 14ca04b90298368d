//! Where things are on a display of a given size.
//!
//! Five arrangements: *wide* (face at the left, bars at the right), *tall* (one above the other), *round* (a face in a ring), *small* (as wide, on a panel
//! of 128×64 or so) and *tiny* (from 64×32 on: columns instead of bars). Lengths are layout units: pixels of a pixel display, an eighth of a column of a
//! terminal.

use super::shapes::Area;

/// A line of text: its vertical middle and the size of its letters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Where it begins, ends or has its middle, after `align`.
    pub x: f32,
    /// The middle of the capitals.
    pub center_y: f32,
    /// Nominal height of the letters (em).
    pub size: f32,
    /// What `x` means.
    pub align: Align,
    /// What there is room for; longer text gets smaller letters or is cut.
    pub max_width: f32,
}

/// Where a line's `x` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Align {
    Left,
    Center,
    Right,
}

/// How the seven probabilities are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Chart {
    /// Seven rows: name, bar and, if there is room, percent.
    Rows {
        /// All of it.
        area: Area,
        /// Size of the letters.
        size: f32,
        /// Height of a bar.
        thickness: f32,
        /// Whether each row says its percentage.
        percent: bool,
    },
    /// Seven columns, with initials below if there is room.
    Columns {
        /// All of it.
        area: Area,
        /// Size of the initials; 0: none.
        letters: f32,
    },
    /// Seven parts of a ring, with initials inside.
    Ring {
        /// The square around it.
        area: Area,
        /// Half of the ring's width.
        half_width: f32,
        /// Size of the initials.
        letters: f32,
    },
}

/// What there is to lay out on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// In layout units.
    pub width: f32,
    /// In layout units.
    pub height: f32,
    /// The distance between possible lines of text: 1 where text is drawn pixel by pixel.
    pub line_grid: f32,
    /// Only the circle around the middle is seen.
    pub round: bool,
    /// The height of the smallest letters that can be read.
    pub least_letters: f32,
    /// The picture's outlines are to be shown too.
    pub outline: bool,
}

impl Room {
    /// A display of this size, for Latin letters.
    pub fn of_pixels(width: f32, height: f32) -> Self {
        Self { width, height, line_grid: 1.0, round: false, least_letters: 6.0, outline: false }
    }
}

/// Places on a display.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// The square around the face.
    pub face: Area,
    /// The square around the picture that stands for the face when there is none.
    pub picture: Area,
    /// The name of the expression.
    pub name: Line,
    /// How sure it is, where the chart does not say so.
    pub confidence: Option<Line>,
    /// The probabilities.
    pub chart: Chart,
    /// Room for a title and advice, when there is no face.
    pub message: Area,
    /// How they stand in it: left and in the middle of its height, or centred from its top on.
    pub message_align: Align,
    /// Size of the title's letters.
    pub title_size: f32,
    /// Size of the advice's letters.
    pub message_size: f32,
    /// Marks of the faces.
    pub marks: Area,
    /// Whether the marks stand around the middle of their area; else from its left on.
    pub marks_centered: bool,
    /// Size of the letters of the privacy mark; none: the sign alone.
    pub privacy_text: Option<f32>,
    /// The sign of the privacy mark; its text stands at its left.
    pub privacy: Area,
    /// The day's mix, where there is room for it.
    pub mix: Option<Area>,
    /// The picture's outlines, where they are wanted and there is room for them.
    pub outline: Option<Area>,
}

impl Layout {
    /// The arrangement for a display.
    pub fn new(room: &Room) -> Self {
        let Room { width, height, line_grid, .. } = *room;
        if room.round && line_grid == 1.0 && width.min(height) >= 120.0 {
            return Self::round(room);
        }
        // A terminal has few rows: seven lines below a face need many.
        let is_low = line_grid > 1.0 && height < 24.0 * line_grid;
        if width >= 1.25 * height || is_low {
            if height >= 100.0 && width >= 150.0 {
                Self::wide(room)
            } else if height >= 60.0 && width >= 120.0 {
                if room.least_letters > 8.0 { Self::small_with_columns(room) } else { Self::small(room) }
            } else {
                Self::tiny(room)
            }
        } else if width >= 100.0 {
            Self::tall(room)
        } else {
            Self::tiny(room)
        }
    }

    fn wide(room: &Room) -> Self {
        let Room { width, height: whole_height, line_grid, least_letters, .. } = *room;
        let strip = strip(room);
        let height = strip.map_or(whole_height, |strip| strip.y);
        let margin = (0.05 * height).min(0.04 * width).max(6.0);
        let footer = (0.1 * height).max(16.0).max(line_grid);
        let body = height - footer;
        let left = 0.46 * width;
        let name_size = (0.125 * height).min(0.1 * width);
        let radius = ((body - margin - 1.35 * name_size) / 2.0 - 0.01 * height).min(left / 2.0 - margin);
        let center_x = (left + 0.4 * margin) / 2.0;
        let face = Area::around(center_x, margin + radius, radius);
        let name = Line {
            x: center_x,
            center_y: (face.bottom() + body) / 2.0 + 0.01 * height,
            size: name_size,
            align: Align::Center,
            max_width: left - margin,
        };
        let room_at_the_right = body - 1.6 * margin;
        let has_outline = room.outline && line_grid == 1.0 && width >= 300.0 && height >= 220.0;
        let room_for_chart = if has_outline { 0.48 * room_at_the_right } else { room_at_the_right };
        let pitch = pitch(room_for_chart, line_grid);
        let area = Area {
            x: left + margin,
            y: centered(7.0 * pitch, margin, margin + room_for_chart, line_grid),
            width: width - left - 2.0 * margin,
            height: 7.0 * pitch,
        };
        let outline = has_outline.then(|| {
            let y = area.bottom() + 0.6 * margin;
            Area { y, height: margin + room_at_the_right - y, ..area }
        });
        let least = if width < 200.0 { 8.0 } else { 9.0 };
        let of_pitch = if has_outline { 0.64 } else { 0.48 };
        let size = (of_pitch * pitch).min(0.075 * area.width).max(least).max(line_grid * 0.9).max(least_letters).min(pitch);
        let picture = Area { y: face.y + 0.5 * (body - face.bottom()) - 0.25 * margin, ..face };
        Self {
            face,
            picture,
            name,
            confidence: None,
            chart: Chart::Rows { area, size, thickness: thickness(pitch, line_grid), percent: area.width >= 11.0 * size },
            message: Area { x: area.x, y: 0.5 * margin, width: area.width, height: body - 0.5 * margin },
            message_align: Align::Left,
            title_size: name_size,
            message_size: (0.06 * height).max(10.0).max(least_letters),
            marks: Area { x: margin, y: body - 0.1 * margin, width: 0.5 * width, height: footer - 0.3 * margin },
            marks_centered: false,
            privacy_text: Some((0.45 * footer).clamp(9.0, 0.045 * height.max(200.0)).max(least_letters)),
            privacy: Self::sign(width, height, margin, footer),
            mix: strip,
            outline,
        }
    }

    fn tall(room: &Room) -> Self {
        let Room { width, height: whole_height, line_grid, least_letters, .. } = *room;
        let strip = strip(room);
        let height = strip.map_or(whole_height, |strip| strip.y);
        let margin = (0.05 * width.min(height)).max(5.0);
        let footer = (0.07 * height).clamp(14.0, 0.12 * width).max(line_grid);
        let body = height - footer;
        let name_size = (0.11 * width.min(height)).max(least_letters);
        let radius = (0.205 * body).min(width / 2.0 - margin);
        let face = Area::around(width / 2.0, margin + radius, radius);
        let name = Line {
            x: width / 2.0,
            center_y: face.bottom() + 0.75 * name_size,
            size: name_size,
            align: Align::Center,
            max_width: width - 2.0 * margin,
        };
        let top = name.center_y + 0.7 * name_size;
        let room_for_chart = (body - top).min(0.8 * width);
        let pitch = pitch(room_for_chart, line_grid);
        let area =
            Area { x: margin, y: centered(7.0 * pitch, top, body, line_grid), width: width - 2.0 * margin, height: 7.0 * pitch };
        let size = (0.56 * pitch).max(9.0).max(line_grid * 0.9).max(least_letters).min(pitch);
        // With a message below, the picture may be larger and lower.
        let picture = Area::around(width / 2.0, 0.3 * body, (0.24 * body).min(0.4 * width));
        let below = picture.bottom() + 0.25 * margin;
        Self {
            face,
            picture,
            name,
            confidence: None,
            chart: Chart::Rows { area, size, thickness: thickness(pitch, line_grid), percent: area.width >= 13.0 * size },
            message: Area { x: margin, y: below, width: area.width, height: body - below },
            message_align: Align::Center,
            title_size: name_size,
            message_size: (0.055 * width).max(10.0).max(least_letters),
            marks: Area { x: margin, y: body, width: 0.4 * width, height: footer - 0.3 * margin },
            marks_centered: false,
            privacy_text: Some((0.55 * footer).clamp(9.0, 0.045 * width.max(200.0)).max(least_letters)),
            privacy: Self::sign(width, height, margin, footer),
            mix: strip,
            outline: None,
        }
    }

    /// Bottom right.
    fn sign(width: f32, height: f32, margin: f32, footer: f32) -> Area {
        let size = 0.62 * footer;
        Area { x: width - margin - size, y: height - 0.15 * margin - footer / 2.0 - size / 2.0, width: size, height: size }
    }

    /// A face in a ring; all else stands below it, and the privacy mark in the ring's opening.
    fn round(room: &Room) -> Self {
        let Room { width, height, least_letters, .. } = *room;
        let radius = width.min(height) / 2.0;
        let (x, y) = (width / 2.0, height / 2.0);
        let line = |below_center: f32, size: f32, width: f32| Line {
            x,
            center_y: y + below_center * radius,
            size: (size * radius).max(least_letters),
            align: Align::Center,
            max_width: width * radius,
        };
        let sign = 0.15 * radius;
        Self {
            face: Area::around(x, y - 0.2 * radius, 0.46 * radius),
            picture: Area::around(x, y - 0.5 * radius, 0.34 * radius),
            name: line(0.43, 0.22, 1.0),
            confidence: Some(line(0.63, 0.13, 0.9)),
            chart: Chart::Ring {
                area: Area::around(x, y, radius - 2.0),
                half_width: 0.04 * radius,
                letters: (0.13 * radius).max(least_letters),
            },
            message: Area { x: x - 0.68 * radius, y: y - 0.12 * radius, width: 1.36 * radius, height: 0.93 * radius },
            message_align: Align::Center,
            title_size: 0.2 * radius,
            message_size: (0.13 * radius).max(least_letters),
            marks: Area { x: x - 0.45 * radius, y: y + 0.7 * radius, width: 0.9 * radius, height: 0.12 * radius },
            marks_centered: true,
            privacy_text: None,
            privacy: Area { x: x - sign / 2.0, y: y + 0.91 * radius - sign / 2.0, width: sign, height: sign },
            mix: None,
            outline: None,
        }
    }

    fn small(room: &Room) -> Self {
        let Room { width, height, .. } = *room;
        let footer = 8.0;
        let body = height - footer;
        let left = (width * 0.45).floor();
        let radius = ((body - 12.0) / 2.0).min(left / 2.0 - 2.0).floor();
        let face = Area::around(left / 2.0, radius + 1.0, radius);
        let pitch = (body / 7.0).floor();
        let y = ((body - 7.0 * pitch) / 2.0).round();
        let area = Area { x: left, y, width: width - left - 1.0, height: 7.0 * pitch };
        Self {
            face,
            picture: Area { y: face.y + 5.0, ..face },
            name: Line { x: left / 2.0, center_y: face.bottom() + 6.0, size: 8.0, align: Align::Center, max_width: left },
            confidence: None,
            chart: Chart::Rows { area, size: 6.0, thickness: 4.0, percent: false },
            message: Area { y: 0.0, height: body, ..area },
            message_align: Align::Left,
            title_size: 10.0,
            message_size: 6.0,
            marks: Area { x: 2.0, y: body + 2.0, width: 0.3 * width, height: 5.0 },
            marks_centered: false,
            privacy_text: Some(6.0),
            privacy: Area { x: width - 8.0, y: height - 7.0, width: 7.0, height: 6.0 },
            mix: None,
            outline: None,
        }
    }

    /// As `small`, for letters that are too high for seven rows.
    fn small_with_columns(room: &Room) -> Self {
        let Room { width, height, least_letters, .. } = *room;
        let footer = least_letters;
        let body = height - footer;
        let radius = (body / 2.0 - 1.0).floor();
        let face = Area::around(radius + 1.0, radius + 1.0, radius);
        let x = face.right() + 3.0;
        let right = Area { x, y: 0.0, width: width - x, height: body };
        let name_size = 16.0;
        Self {
            face,
            picture: face,
            name: Line { x, center_y: 8.0, size: name_size, align: Align::Left, max_width: right.width - 24.0 },
            confidence: Some(Line { x: width - 1.0, center_y: 8.0, size: 10.0, align: Align::Right, max_width: 30.0 }),
            chart: Chart::Columns { area: Area { y: name_size + 2.0, height: body - name_size - 4.0, ..right }, letters: 0.0 },
            message: right,
            message_align: Align::Left,
            title_size: name_size,
            message_size: least_letters,
            marks: Area { x: 2.0, y: height - 6.0, width: 0.3 * width, height: 5.0 },
            marks_centered: false,
            privacy_text: Some(least_letters),
            privacy: Area { x: width - 8.0, y: height - 8.0, width: 7.0, height: 6.0 },
            mix: None,
            outline: None,
        }
    }

    fn tiny(room: &Room) -> Self {
        let Room { width, height, least_letters, .. } = *room;
        // The longest text has nine letters of four pixels. Below the face's disc its square has room for the sign and the marks.
        let radius = ((height - 6.0) / 2.0).min((width - 37.0) / 2.0).max(1.0).floor();
        let face = Area::around(radius, radius, radius);
        let x = (face.right() + 2.0).min(width - 36.0);
        let right = Area { x, y: 0.0, width: width - x, height };
        let line = |center_y: f32, size: f32| Line { x, center_y, size, align: Align::Left, max_width: right.width };
        let large_letters = least_letters > 8.0;
        let top = if large_letters { 21.0 } else { 14.0 };
        let initials = if large_letters { 0.0 } else { 6.0 };
        let layout = Self {
            face,
            picture: face,
            name: line(least_letters / 2.0, least_letters),
            confidence: Some(line(least_letters + 4.0, 6.0)),
            chart: Chart::Columns {
                area: Area { y: top, height: height - top, width: right.width.min(49.0), ..right },
                letters: initials,
            },
            message: right,
            message_align: Align::Left,
            title_size: least_letters,
            message_size: least_letters,
            marks: Area { x: face.right() - 14.0, y: height - 2.0, width: 14.0, height: 2.0 },
            marks_centered: false,
            privacy_text: None,
            privacy: Area { x: 0.0, y: height - 6.0, width: 7.0, height: 6.0 },
            mix: None,
            outline: None,
        };
        if width < 120.0 {
            return layout;
        }
        // As OLED panels of 128×32: room for larger letters, and the columns beside them.
        let chart_width = 42.0;
        let size = if large_letters { 16.0 } else { 13.0 };
        let max_width = width - chart_width - 3.0 - x;
        Self {
            name: Line { max_width, ..line(size / 2.0, size) },
            confidence: Some(Line { max_width, ..line(size + 8.0, 10.0) }),
            chart: Chart::Columns { area: Area { x: width - chart_width, width: chart_width, ..right }, letters: initials },
            title_size: size,
            ..layout
        }
    }
}

/// A thin strip along the lower edge. A terminal has no row to spare.
fn strip(room: &Room) -> Option<Area> {
    let Room { width, height, .. } = *room;
    let thickness = (0.0125 * height).max(2.0).round();
    (room.line_grid == 1.0).then_some(Area { x: 0.0, y: height - thickness, width, height: thickness })
}

/// From row to row, if seven fill `room` on a pixel display. On a terminal, whole rows, three at most.
fn pitch(room: f32, line_grid: f32) -> f32 {
    if line_grid > 1.0 { (room / 7.0 / line_grid).floor().clamp(1.0, 3.0) * line_grid } else { (room / 7.0).floor() }
}

/// Of a bar. On a terminal, as high as a letter if the next one does not touch it then.
fn thickness(pitch: f32, line_grid: f32) -> f32 {
    match line_grid > 1.0 {
        true if pitch > line_grid => line_grid,
        true => line_grid / 2.0,
        false => 0.46 * pitch,
    }
}

/// Where `length` begins that is centred between `top` and `bottom`, moved up to the grid.
fn centered(length: f32, top: f32, bottom: f32, grid: f32) -> f32 {
    ((top + bottom - length) / 2.0 / grid).floor() * grid
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlap(a: &Area, b: &Area) -> bool {
        a.x < b.right() - 0.01 && b.x < a.right() - 0.01 && a.y < b.bottom() - 0.01 && b.y < a.bottom() - 0.01
    }

    fn chart_area(layout: &Layout) -> Area {
        match layout.chart {
            Chart::Rows { area, .. } | Chart::Columns { area, .. } | Chart::Ring { area, .. } => area,
        }
    }

    /// The display's room for a line's capitals.
    fn line_area(line: &Line) -> Area {
        let x = match line.align {
            Align::Left => line.x,
            Align::Center => line.x - line.max_width / 2.0,
            Align::Right => line.x - line.max_width,
        };
        Area { x, y: line.center_y - 0.36 * line.size, width: line.max_width, height: 0.72 * line.size }
    }

    fn check(width: f32, height: f32, line_grid: f32, least_letters: f32) {
        let layout = Layout::new(&Room { line_grid, least_letters, ..Room::of_pixels(width, height) });
        let parts = [layout.face, chart_area(&layout), layout.privacy, layout.marks];
        for (index, part) in parts.iter().enumerate() {
            let inside = part.x >= 0.0 && part.y >= -0.5 && part.right() <= width + 0.01 && part.bottom() <= height + 0.5;
            assert!(inside, "part {index} of {width}×{height}: {part:?}");
        }
        assert!(!overlap(&parts[0], &parts[1]), "face and chart on {width}×{height}");
        assert!(!overlap(&parts[1], &parts[2]), "chart and privacy mark on {width}×{height}");
        assert!(layout.face.width >= 0.28 * width.min(height), "a small face on {width}×{height}");
        let name = line_area(&layout.name);
        assert!(name.y >= 0.0 && name.bottom() <= height, "name on {width}×{height}");
        // The smallest layouts have the name beside the face, over the columns.
        if matches!(layout.chart, Chart::Rows { .. }) {
            assert!(!overlap(&name, &layout.face) && !overlap(&name, &parts[1]), "name on {width}×{height}: {layout:?}");
        }
    }

    #[test]
    fn on_displays_of_every_size_all_parts_are_there_and_apart() {
        let sizes = [64, 72, 96, 128, 160, 176, 240, 320, 400, 480, 600, 800, 1024, 1280, 1920];
        for width in sizes {
            for height in [32, 48, 64, 80, 96, 128, 135, 160, 240, 272, 320, 400, 480, 600, 800, 1024, 1080, 1280, 1920] {
                for least_letters in [6.0, 12.0] {
                    check(width as f32, height as f32, 1.0, least_letters);
                }
            }
        }
    }

    #[test]
    fn in_terminals_of_every_size_too() {
        for columns in (24..200).step_by(4) {
            for rows in 9..70 {
                check(8.0 * columns as f32, 16.0 * rows as f32, 16.0, 6.0);
            }
        }
    }

    #[test]
    fn on_a_round_display_nothing_lies_in_the_corners() {
        for side in [128.0, 240.0, 480.0] {
            let layout = Layout::new(&Room { round: true, ..Room::of_pixels(side, side) });
            let name = line_area(&layout.name);
            for part in [layout.marks, layout.privacy, name] {
                for (x, y) in [(part.x, part.y), (part.right(), part.y), (part.x, part.bottom()), (part.right(), part.bottom())] {
                    let from_middle = (x - side / 2.0).hypot(y - side / 2.0);
                    assert!(from_middle <= side / 2.0, "{part:?} on {side}");
                }
            }
        }
    }
}
