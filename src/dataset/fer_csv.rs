//! `fer2013.csv`, the file of the contest: a header, then a line per picture with its label, 2304 grey values and the split it belongs to.
//!
//! Columns are found by their names (`emotion`, `pixels`, `Usage`), since copies of the file have them in another order. The file has 300 MB, so lines are
//! read one by one, and those of other splits are passed over without looking at their pixels.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result};
use image::GrayImage;

use super::{Face, MAX_PIXELS, bad_data};
use crate::classifier::Emotion;
use crate::classifier::preprocess::SIDE;

/// The pixels of a picture.
const PIXELS: usize = SIDE * SIDE;

/// 2304 numbers of three digits with a space each are 9216 bytes; a longer line is none of ours.
const MAX_LINE: u64 = 16 << 10;

/// The `Usage` of the splits, and what our other files call them.
const USAGES: [(&str, &str); 3] = [("train", "Training"), ("public", "PublicTest"), ("private", "PrivateTest")];

/// Reads the pictures of one split, in their order. `split` may be train, public, private, or a `Usage` as it stands in the file.
pub(super) fn read(path: &Path, split: &str) -> Result<Vec<Face>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    parse(BufReader::new(file), split, &path.display().to_string())
}

fn parse(mut lines: impl BufRead, split: &str, name: &str) -> Result<Vec<Face>> {
    let usage = USAGES.iter().find(|(short, _)| *short == split).map_or(split, |(_, usage)| usage);
    let mut line = String::new();
    read_line(&mut lines, &mut line).with_context(|| format!("{name}:1"))?;
    let columns = Columns::find(&line).with_context(|| format!("{name}:1"))?;

    let mut faces = Vec::new();
    let mut others = Vec::new();
    for number in 2_u32.. {
        let place = || format!("{name}:{number}");
        if !read_line(&mut lines, &mut line).with_context(place)? {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let row = columns.cut(&line).with_context(place)?;
        if row.usage == usage {
            if (faces.len() * PIXELS) as u64 >= MAX_PIXELS {
                return Err(bad_data(format!("more than {MAX_PIXELS} pixels"))).with_context(place);
            }
            faces.push(row.face().with_context(place)?);
        } else if others.len() < USAGES.len() && !others.iter().any(|other| other == row.usage) {
            others.push(row.usage.to_owned());
        }
    }
    if faces.is_empty() {
        let there = if others.is_empty() { "no pictures at all".into() } else { others.join(", ") };
        return Err(bad_data(format!("{name}: no pictures with the Usage {usage} (there are {there})")).into());
    }
    Ok(faces)
}

/// Reads a line over `line`; false at the end of the file.
fn read_line(lines: &mut impl BufRead, line: &mut String) -> Result<bool> {
    line.clear();
    // One that is no text (a picture, say) is an error of kind InvalidData here.
    lines.take(MAX_LINE).read_line(line)?;
    if line.len() as u64 == MAX_LINE {
        return Err(bad_data(format!("longer than {MAX_LINE} bytes: no file of FER-2013")).into());
    }
    Ok(!line.is_empty())
}

/// At which place of a line each value stands.
struct Columns {
    emotion: usize,
    pixels: usize,
    usage: usize,
    count: usize,
}

/// The values of a line.
struct Row<'a> {
    emotion: &'a str,
    pixels: &'a str,
    usage: &'a str,
}

/// The values of a line, without the spaces and quotation marks that some programs put around them. (None of FER-2013's contains a comma.)
fn values(line: &str) -> impl Iterator<Item = &str> {
    line.split(',').map(|value| value.trim().trim_matches('"').trim())
}

impl Columns {
    fn find(header: &str) -> Result<Self> {
        let header = header.trim_start_matches('\u{feff}');
        let column = |name: &str| {
            let place = values(header).position(|column| column.eq_ignore_ascii_case(name));
            place.ok_or_else(|| bad_data(format!("no column {name} (the header should be emotion,pixels,Usage)")))
        };
        Ok(Self {
            emotion: column("emotion")?,
            pixels: column("pixels")?,
            usage: column("Usage")?,
            count: values(header).count(),
        })
    }

    fn cut<'a>(&self, line: &'a str) -> Result<Row<'a>> {
        let mut row = Row { emotion: "", pixels: "", usage: "" };
        let mut count = 0;
        for (place, value) in values(line).enumerate() {
            count += 1;
            if place == self.emotion {
                row.emotion = value;
            } else if place == self.pixels {
                row.pixels = value;
            } else if place == self.usage {
                row.usage = value;
            }
        }
        if count != self.count {
            return Err(bad_data(format!("{count} columns, the header has {}", self.count)).into());
        }
        Ok(row)
    }
}

impl Row<'_> {
    fn face(&self) -> Result<Face> {
        let label = self.emotion.parse::<usize>().ok().and_then(|label| Emotion::ALL.get(label));
        let emotion = *label.ok_or_else(|| bad_data(format!("emotion is `{}`, not a number from 0 to 6", self.emotion)))?;
        let mut pixels = Vec::with_capacity(PIXELS);
        for value in self.pixels.split_ascii_whitespace() {
            pixels.push(value.parse().map_err(|_| bad_data(format!("a pixel is `{value}`, not a number from 0 to 255")))?);
        }
        let count = pixels.len();
        let image = GrayImage::from_raw(SIDE as u32, SIDE as u32, pixels).filter(|_| count == PIXELS);
        let image = image.ok_or_else(|| bad_data(format!("{count} pixels, not {PIXELS} ({SIDE}×{SIDE})")))?;
        Ok((image, emotion))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The grey values of a flat picture.
    fn flat(grey: u8) -> String {
        vec![grey.to_string(); PIXELS].join(" ")
    }

    fn read(text: &str, split: &str) -> Result<Vec<(u8, Emotion)>> {
        let faces = parse(text.as_bytes(), split, "fer2013.csv")?;
        Ok(faces.iter().map(|(image, emotion)| (image.as_raw()[PIXELS - 1], *emotion)).collect())
    }

    #[test]
    fn a_split_is_read_in_the_order_of_its_lines() {
        let (a, b, c) = (flat(7), flat(8), flat(9));
        let text = format!("emotion,pixels,Usage\n3,{a},Training\n0,{b},PublicTest\r\n6,{c},Training");
        assert_eq!(read(&text, "train").unwrap(), [(7, Emotion::Happy), (9, Emotion::Neutral)]);
        assert_eq!(read(&text, "PublicTest").unwrap(), [(8, Emotion::Angry)]);
    }

    #[test]
    fn columns_in_another_order_and_quoted_values_are_understood() {
        let text = format!("\u{feff}emotion, Usage, pixels\n\"5\",PrivateTest,\"{}\"\n\n", flat(1));
        assert_eq!(read(&text, "private").unwrap(), [(1, Emotion::Surprise)]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let header = "emotion,pixels,Usage\n";
        let cases = [
            (String::new(), "fer2013.csv:1: no column emotion"),
            ("emotion,Usage\n".into(), "fer2013.csv:1: no column pixels"),
            (header.into(), "fer2013.csv: no pictures with the Usage Training (there are no pictures at all)"),
            (format!("{header}0,1 2,PublicTest"), "fer2013.csv: no pictures with the Usage Training (there are PublicTest)"),
            (format!("{header}0,1 2 3,Training"), "fer2013.csv:2: 3 pixels, not 2304 (48×48)"),
            (format!("{header}7,{},Training", flat(0)), "fer2013.csv:2: emotion is `7`, not a number from 0 to 6"),
            (format!("{header}0,1 256,Training"), "fer2013.csv:2: a pixel is `256`, not a number from 0 to 255"),
            (format!("{header}0,1"), "fer2013.csv:2: 2 columns, the header has 3"),
            (format!("{header}0,{},Training", "1 ".repeat(9000)), "fer2013.csv:2: longer than 16384 bytes"),
        ];
        for (text, message) in cases {
            let error = format!("{:#}", read(&text, "train").unwrap_err());
            assert!(error.starts_with(message), "{error}");
        }
        assert!(parse(&b"emotion,pixels,Usage\n\xff\xfe"[..], "train", "fer2013.csv").is_err());
    }
}
