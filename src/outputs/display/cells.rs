//! A terminal's cells: what stands in each, and the bytes that turn what is on the screen into what should be there.

use std::io::Write;

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;

use super::brush::Caption;
use super::canvas::Canvas;
use super::scene::Scene;
use super::words::is_wide;
use crate::outputs::View;

/// How many colours a terminal knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorDepth {
    /// Any red, green and blue of 8 bits.
    TrueColor,
    /// xterm's 256: a cube of 6×6×6 and 24 greys.
    Indexed,
}

impl ColorDepth {
    /// What a terminal says of itself in `COLORTERM` and `TERM`. One that says nothing is taken for one of 256 colours.
    pub fn of_terminal(colorterm: &str, term: &str) -> Self {
        let true_color = matches!(colorterm, "truecolor" | "24bit") || term.ends_with("-direct");
        if true_color { Self::TrueColor } else { Self::Indexed }
    }
}

/// One cell; a half block shows `ink` above and `paper` below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    letter: char,
    ink: Rgb888,
    paper: Rgb888,
}

const HALF_BLOCK: char = '▀';
/// Stands in the cell that a wide letter at its left covers too.
const COVERED: char = '\0';

/// The screen: what is to be shown and what is shown.
pub struct Cells {
    depth: ColorDepth,
    columns: usize,
    canvas: Canvas,
    /// Small text of the picture being drawn, letter by letter with its cell's index.
    letters: Vec<(usize, Cell)>,
    wanted: Vec<Cell>,
    /// None where nobody knows what stands there.
    shown: Vec<Option<Cell>>,
}

impl Cells {
    /// A screen without cells.
    pub fn new(depth: ColorDepth) -> Self {
        Self { depth, columns: 0, canvas: Canvas::default(), letters: Vec::new(), wanted: Vec::new(), shown: Vec::new() }
    }

    /// Follows the terminal's size; a terminal of another size is cleared first.
    pub fn resize(&mut self, columns: u16, rows: u16, bytes: &mut Vec<u8>) {
        let count = usize::from(columns) * usize::from(rows);
        if self.columns == usize::from(columns) && self.shown.len() == count {
            return;
        }
        self.columns = columns.into();
        self.canvas.resize(columns.into(), u32::from(rows) * 2);
        self.shown.clear();
        self.shown.resize(count, None);
        bytes.extend_from_slice(b"\x1b[0m\x1b[2J");
    }

    /// Draws `view` into the cells.
    pub fn draw(&mut self, scene: &mut Scene, view: View<'_>) {
        let Self { columns, canvas, letters, shown, .. } = self;
        letters.clear();
        scene.draw_in_cells(view, canvas, &mut |caption| place(&caption, *columns, shown.len(), letters));
        self.compose();
    }

    fn compose(&mut self) {
        let Self { canvas, letters, wanted, .. } = self;
        wanted.clear();
        let mut rows = canvas.rows();
        while let (Some(upper), Some(lower)) = (rows.next(), rows.next()) {
            wanted.extend(upper.iter().zip(lower).map(|(&ink, &paper)| Cell {
                letter: if ink == paper { ' ' } else { HALF_BLOCK },
                ink,
                paper,
            }));
        }
        for (index, cell) in letters {
            wanted[*index] = *cell;
        }
    }

    /// Appends what changes the screen to what was drawn: as one update, and only cells that differ.
    pub fn write_changes(&mut self, bytes: &mut Vec<u8>) {
        let begin = bytes.len();
        // Terminals that know synchronized updates show all at once; others ignore it.
        bytes.extend_from_slice(b"\x1b[?2026h");
        let nothing = bytes.len();
        let (mut ink, mut paper, mut cursor) = (None, None, None);
        for (index, (wanted, shown)) in self.wanted.iter().zip(&mut self.shown).enumerate() {
            if *shown == Some(*wanted) {
                continue;
            }
            *shown = Some(*wanted);
            if cursor != Some(index) {
                write(bytes, format_args!("\x1b[{};{}H", index / self.columns + 1, index % self.columns + 1));
            }
            if paper.replace(wanted.paper) != Some(wanted.paper) {
                self.depth.write(bytes, 48, wanted.paper);
            }
            if wanted.letter != ' ' && ink.replace(wanted.ink) != Some(wanted.ink) {
                self.depth.write(bytes, 38, wanted.ink);
            }
            if wanted.letter != COVERED {
                write(bytes, format_args!("{}", wanted.letter));
            }
            // Behind the last column the cursor's place differs from terminal to terminal.
            cursor = ((index + 1) % self.columns != 0).then_some(index + 1);
        }
        if bytes.len() == nothing {
            bytes.truncate(begin);
        } else {
            bytes.extend_from_slice(b"\x1b[0m\x1b[?2026l");
        }
    }
}

impl ColorDepth {
    /// Appends the sequence that sets a colour; `what` is 38 for ink, 48 for paper.
    fn write(self, bytes: &mut Vec<u8>, what: u8, color: Rgb888) {
        match self {
            Self::TrueColor => write(bytes, format_args!("\x1b[{what};2;{};{};{}m", color.r(), color.g(), color.b())),
            Self::Indexed => write(bytes, format_args!("\x1b[{what};5;{}m", nearest_indexed(color))),
        }
    }
}

fn write(bytes: &mut Vec<u8>, what: std::fmt::Arguments<'_>) {
    bytes.write_fmt(what).expect("a vector takes everything");
}

/// Puts a caption's letters into cells. Text from outside (a device's error) may hold anything: what is no plain letter would move the cursor.
fn place(caption: &Caption<'_>, columns: usize, count: usize, letters: &mut Vec<(usize, Cell)>) {
    let Ok(row) = usize::try_from(caption.row) else { return };
    let mut column = caption.column;
    for letter in caption.text.chars() {
        let width = 1 + i32::from(is_wide(letter));
        let begin = column;
        column += width;
        let (Ok(begin), Ok(end)) = (usize::try_from(begin), usize::try_from(column)) else { continue };
        let index = row * columns + begin;
        if end > columns || index + end - begin > count {
            continue;
        }
        let letter = match letter {
            letter if letter.is_control() => ' ',
            // Nobody knows how many cells others take: some none.
            letter if letter > '\u{24f}' && width == 1 => '?',
            letter => letter,
        };
        let cell = |letter: char| Cell { letter, ink: caption.ink, paper: caption.paper };
        letters.push((index, cell(letter)));
        if width == 2 {
            letters.push((index + 1, cell(COVERED)));
        }
    }
}

/// The nearest of xterm's colours 16 to 255.
fn nearest_indexed(color: Rgb888) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let channels = [color.r(), color.g(), color.b()];
    let nearest_level =
        |value: u8| (0..6_u8).min_by_key(|level| LEVELS[usize::from(*level)].abs_diff(value)).expect("there are six levels");
    let levels = channels.map(nearest_level);
    let cube = (16 + 36 * levels[0] + 6 * levels[1] + levels[2], levels.map(|level| LEVELS[usize::from(level)]));

    let mean = channels.iter().map(|channel| u16::from(*channel)).sum::<u16>() / 3;
    let step = (mean.saturating_sub(3) / 10).min(23) as u8;
    let grey = (232 + step, [8 + 10 * step; 3]);

    let distance = |candidate: [u8; 3]| candidate.iter().zip(channels).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum::<u32>();
    if distance(grey.1) < distance(cube.1) { grey.0 } else { cube.0 }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::Pixel;
    use embedded_graphics::draw_target::DrawTarget;
    use embedded_graphics::geometry::Point;

    use super::*;

    /// A screen of two columns and one row that shows these pixels, upper row first.
    fn cells(depth: ColorDepth, pixels: [Rgb888; 4]) -> Cells {
        let mut cells = Cells::new(depth);
        cells.resize(2, 1, &mut Vec::new());
        set(&mut cells, pixels);
        cells
    }

    fn set(cells: &mut Cells, pixels: [Rgb888; 4]) {
        let points = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(x, y)| Point::new(x, y));
        cells.canvas.draw_iter(points.into_iter().zip(pixels).map(|(point, color)| Pixel(point, color))).unwrap();
        cells.compose();
    }

    fn changes(cells: &mut Cells) -> String {
        let mut bytes = Vec::new();
        cells.write_changes(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    const BLACK: Rgb888 = Rgb888::BLACK;
    const RED: Rgb888 = Rgb888::RED;

    #[test]
    fn two_pixels_are_one_cell() {
        let mut cells = cells(ColorDepth::TrueColor, [RED, BLACK, BLACK, BLACK]);
        assert_eq!(changes(&mut cells), "\x1b[?2026h\x1b[1;1H\x1b[48;2;0;0;0m\x1b[38;2;255;0;0m▀ \x1b[0m\x1b[?2026l");
    }

    #[test]
    fn only_cells_that_changed_are_written() {
        let mut cells = cells(ColorDepth::TrueColor, [RED, BLACK, BLACK, BLACK]);
        changes(&mut cells);
        set(&mut cells, [RED, RED, BLACK, BLACK]);
        assert_eq!(changes(&mut cells), "\x1b[?2026h\x1b[1;2H\x1b[48;2;0;0;0m\x1b[38;2;255;0;0m▀\x1b[0m\x1b[?2026l");
        assert_eq!(changes(&mut cells), "");
    }

    #[test]
    fn with_256_colours_the_nearest_is_taken() {
        // xterm's table: 16 black, 196 #ff0000, 220 #ffd700, 67 #5f87af, 234 #1c1c1c, 255 #eeeeee, 231 white.
        for (color, index) in
            [(0x000000, 16), (0xfd0203, 196), (0xffd800, 220), (0x6088b0, 67), (0x1d1b1c, 234), (0xeeeeee, 255), (0xffffff, 231)]
        {
            let [_, red, green, blue] = u32::to_be_bytes(color);
            assert_eq!(nearest_indexed(Rgb888::new(red, green, blue)), index, "{color:06x}");
        }
        let mut cells = cells(ColorDepth::Indexed, [RED, RED, BLACK, BLACK]);
        assert_eq!(changes(&mut cells), "\x1b[?2026h\x1b[1;1H\x1b[48;5;16m\x1b[38;5;196m▀▀\x1b[0m\x1b[?2026l");
    }

    #[test]
    fn the_depth_is_what_the_terminal_says() {
        assert_eq!(ColorDepth::of_terminal("truecolor", "xterm-256color"), ColorDepth::TrueColor);
        assert_eq!(ColorDepth::of_terminal("24bit", "screen"), ColorDepth::TrueColor);
        assert_eq!(ColorDepth::of_terminal("", "xterm-direct"), ColorDepth::TrueColor);
        assert_eq!(ColorDepth::of_terminal("", "xterm-256color"), ColorDepth::Indexed);
    }

    #[test]
    fn letters_that_would_move_the_cursor_are_replaced() {
        let mut letters = Vec::new();
        let caption = Caption { column: -1, row: 0, text: "x\x1bäא!", ink: RED, paper: BLACK };
        place(&caption, 3, 3, &mut letters);
        assert_eq!(letters.iter().map(|(index, cell)| (*index, cell.letter)).collect::<Vec<_>>(), [(0, ' '), (1, 'ä'), (2, '?')]);
    }

    #[test]
    fn a_chinese_letter_takes_two_cells_and_none_if_there_is_but_one() {
        let mut letters = Vec::new();
        place(&Caption { column: 1, row: 0, text: "开心", ink: RED, paper: BLACK }, 4, 4, &mut letters);
        assert_eq!(letters.iter().map(|(index, cell)| (*index, cell.letter)).collect::<Vec<_>>(), [(1, '开'), (2, COVERED)]);
    }

    #[test]
    fn another_size_begins_with_a_clear_screen() {
        let mut cells = cells(ColorDepth::TrueColor, [BLACK; 4]);
        changes(&mut cells);
        let mut bytes = Vec::new();
        cells.resize(2, 1, &mut bytes);
        assert_eq!(bytes, b"");
        cells.resize(1, 2, &mut bytes);
        assert_eq!(bytes, b"\x1b[0m\x1b[2J");
    }
}
