//! Where things are on a display of a given size.
//!
//! Four arrangements: *wide* (face at the left, bars at the right), *tall* (one above the other), *small* (as wide, on a panel of 128×64 or so) and
//! *tiny* (from 64×32 on: columns instead of bars). Lengths are layout units: pixels of a pixel display, an eighth of a column of a terminal.

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
    /// Seven columns with initials below.
    Columns {
        /// All of it.
        area: Area,
    },
}

/// Places on a display.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// The square around the face.
    pub face: Area,
    /// The name of the expression.
    pub name: Line,
    /// How sure it is, where the chart does not say so.
    pub confidence: Option<Line>,
    /// The probabilities.
    pub chart: Chart,
    /// Room for a title and advice, when there is no face.
    pub message: Area,
    /// Size of the advice's letters.
    pub message_size: f32,
    /// Marks of the faces.
    pub marks: Area,
    /// Size of the letters of the privacy mark; none: the sign alone.
    pub privacy_text: Option<f32>,
    /// The sign of the privacy mark; its text stands at its left.
    pub privacy: Area,
}

impl Layout {
    /// For a display of this size. `line_grid` is the distance between possible lines of text: 1 where text is drawn pixel by pixel.
    pub fn new(width: f32, height: f32, line_grid: f32) -> Self {
        // A terminal has few rows: seven lines below a face need many.
        let is_low = line_grid > 1.0 && height < 24.0 * line_grid;
        if width >= 1.25 * height || is_low {
            if height >= 100.0 && width >= 150.0 {
                Self::wide(width, height, line_grid)
            } else if height >= 60.0 && width >= 120.0 {
                Self::small(width, height)
            } else {
                Self::tiny(width, height)
            }
        } else if width >= 100.0 {
            Self::tall(width, height, line_grid)
        } else {
            Self::tiny(width, height)
        }
    }

    fn wide(width: f32, height: f32, line_grid: f32) -> Self {
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
        let room = body - 1.6 * margin;
        let pitch = pitch(room, line_grid);
        let area = Area {
            x: left + margin,
            y: centered(7.0 * pitch, margin, margin + room, line_grid),
            width: width - left - 2.0 * margin,
            height: 7.0 * pitch,
        };
        let size =
            (0.48 * pitch).min(0.075 * area.width).max(if width < 200.0 { 8.0 } else { 9.0 }).max(line_grid * 0.9).min(pitch);
        Self {
            face,
            name,
            confidence: None,
            chart: Chart::Rows { area, size, thickness: thickness(pitch, line_grid), percent: area.width >= 11.0 * size },
            message: Area { x: area.x, y: margin, width: area.width, height: body - margin },
            message_size: (0.055 * height).max(10.0),
            marks: Area { x: margin, y: body - 0.1 * margin, width: 0.5 * width, height: footer - 0.3 * margin },
            privacy_text: Some((0.45 * footer).clamp(9.0, 0.045 * height.max(200.0))),
            privacy: Self::sign(width, height, margin, footer),
        }
    }

    fn tall(width: f32, height: f32, line_grid: f32) -> Self {
        let margin = (0.05 * width.min(height)).max(5.0);
        let footer = (0.07 * height).clamp(14.0, 0.12 * width).max(line_grid);
        let body = height - footer;
        let name_size = 0.11 * width.min(height);
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
        let room = (body - top).min(0.8 * width);
        let pitch = pitch(room, line_grid);
        let area =
            Area { x: margin, y: centered(7.0 * pitch, top, body, line_grid), width: width - 2.0 * margin, height: 7.0 * pitch };
        let size = (0.56 * pitch).max(9.0).max(line_grid * 0.9).min(pitch);
        Self {
            face,
            name,
            confidence: None,
            chart: Chart::Rows { area, size, thickness: thickness(pitch, line_grid), percent: area.width >= 13.0 * size },
            message: Area { x: margin, y: face.bottom(), width: area.width, height: body - face.bottom() },
            message_size: (0.055 * width).max(10.0),
            marks: Area { x: margin, y: body, width: 0.4 * width, height: footer - 0.3 * margin },
            privacy_text: Some((0.55 * footer).clamp(9.0, 0.045 * width.max(200.0))),
            privacy: Self::sign(width, height, margin, footer),
        }
    }

    /// Bottom right.
    fn sign(width: f32, height: f32, margin: f32, footer: f32) -> Area {
        let size = 0.62 * footer;
        Area { x: width - margin - size, y: height - 0.15 * margin - footer / 2.0 - size / 2.0, width: size, height: size }
    }

    fn small(width: f32, height: f32) -> Self {
        let footer = 8.0;
        let body = height - footer;
        let left = (width * 0.45).floor();
        let radius = ((body - 12.0) / 2.0).min(left / 2.0 - 2.0).floor();
        let face = Area::around(left / 2.0, radius + 1.0, radius);
        let pitch = (body / 7.0).floor();
        let area = Area { x: left, y: 0.0, width: width - left - 1.0, height: 7.0 * pitch };
        Self {
            face,
            name: Line { x: left / 2.0, center_y: face.bottom() + 6.0, size: 8.0, align: Align::Center, max_width: left },
            confidence: None,
            chart: Chart::Rows { area, size: 6.0, thickness: 4.0, percent: false },
            message: Area { height: body, ..area },
            message_size: 6.0,
            marks: Area { x: 2.0, y: body + 2.0, width: 0.3 * width, height: 5.0 },
            privacy_text: Some(6.0),
            privacy: Area { x: width - 8.0, y: height - 7.0, width: 7.0, height: 6.0 },
        }
    }

    fn tiny(width: f32, height: f32) -> Self {
        // The longest text has nine letters of four pixels. Below the face's disc its square has room for the sign and the marks.
        let radius = ((height - 6.0) / 2.0).min((width - 37.0) / 2.0).max(1.0).floor();
        let face = Area::around(radius, radius, radius);
        let x = (face.right() + 2.0).min(width - 36.0);
        let right = Area { x, y: 0.0, width: width - x, height };
        let line = |center_y: f32, size: f32| Line { x, center_y, size, align: Align::Left, max_width: right.width };
        let layout = Self {
            face,
            name: line(3.0, 6.0),
            confidence: Some(line(10.0, 6.0)),
            chart: Chart::Columns { area: Area { y: 14.0, height: height - 14.0, ..right } },
            message: right,
            message_size: 6.0,
            marks: Area { x: face.right() - 14.0, y: height - 2.0, width: 14.0, height: 2.0 },
            privacy_text: None,
            privacy: Area { x: 0.0, y: height - 6.0, width: 7.0, height: 6.0 },
        };
        if width < 120.0 {
            return layout;
        }
        // As OLED panels of 128×32: room for larger letters, and the columns beside them.
        Self {
            name: line(6.0, 13.0),
            confidence: Some(line(21.0, 10.0)),
            chart: Chart::Columns { area: Area { x: width - 45.0, width: 45.0, ..right } },
            ..layout
        }
    }
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
            Chart::Rows { area, .. } | Chart::Columns { area } => area,
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

    fn check(width: f32, height: f32, line_grid: f32) {
        let layout = Layout::new(width, height, line_grid);
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
                check(width as f32, height as f32, 1.0);
            }
        }
    }

    #[test]
    fn in_terminals_of_every_size_too() {
        for columns in (24..200).step_by(4) {
            for rows in 9..70 {
                check(8.0 * columns as f32, 16.0 * rows as f32, 16.0);
            }
        }
    }
}
