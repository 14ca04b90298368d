//! What a replay plays: a picture, a folder or list of pictures, or y4m from a file or standard input.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use image::GrayImage;

use super::picture::{self, EXTENSIONS, load_grey};
use super::pipe::TimedPipe;
use super::y4m::{Next, Reader};
use crate::frame::Frame;
use crate::stop::Stop;

/// How long standard input may be silent. Longer than a camera: the program that feeds it may first have to find its own source.
const INPUT_TIMEOUT: Duration = Duration::from_secs(10);

/// An opened recording.
pub(super) enum Recording {
    Pictures(Pictures),
    Video(Reader<BufReader<File>>),
    Input(Reader<BufReader<TimedPipe>>),
}

/// Pictures in the order in which they are played.
pub(super) struct Pictures {
    paths: Vec<PathBuf>,
    next: usize,
    /// The picture that was read last and its place, so that a single one is read once.
    latest: Option<(usize, GrayImage)>,
}

impl Recording {
    /// Opens what `path` names, and reads the first picture or the header, so that a recording that cannot be played is found out now.
    pub(super) fn open(path: &Path, stop: &Stop) -> Result<Self> {
        let name = path.display();
        if path == Path::new("-") {
            let input = io::stdin().as_fd().try_clone_to_owned().context("standard input")?;
            return Self::from_pipe(TimedPipe::new(input, INPUT_TIMEOUT, stop.clone()));
        }
        let about = fs::metadata(path).with_context(|| format!("{name}: cannot open the recording"))?;
        if about.is_dir() {
            return Self::from_pictures(pictures_in(path)?);
        }
        // Opening a named pipe would wait for its writer.
        if !about.is_file() {
            return Err(bad_data(format!("{name}: neither a file nor a folder (data from a pipe: use standard input, \"-\")")));
        }
        match path.extension().and_then(OsStr::to_str) {
            Some("y4m") => {
                let file = File::open(path).with_context(|| format!("{name}: cannot open the recording"))?;
                Ok(Self::Video(Reader::new(BufReader::with_capacity(1 << 16, file)).with_context(|| name.to_string())?))
            }
            Some("txt") => Self::from_pictures(pictures_listed_in(path)?),
            _ if is_picture(path) => Self::from_pictures(vec![path.into()]),
            _ => Self::from_pictures(vec![path.into()]).context(
                "a recording is a picture, a folder, a .txt list or a .y4m file; let ffmpeg convert other videos \
                 (ffmpeg -i FILE -pix_fmt gray FILE.y4m)",
            ),
        }
    }

    pub(super) fn from_pipe(pipe: TimedPipe) -> Result<Self> {
        Ok(Self::Input(Reader::new(BufReader::with_capacity(1 << 16, pipe)).context("standard input")?))
    }

    fn from_pictures(paths: Vec<PathBuf>) -> Result<Self> {
        let mut pictures = Pictures { paths, next: 0, latest: None };
        pictures.load(0)?;
        Ok(Self::Pictures(pictures))
    }

    /// The rate that the recording itself names.
    pub(super) fn frames_per_second(&self) -> Option<f64> {
        match self {
            Self::Pictures(_) => None,
            Self::Video(video) => video.header().frames_per_second,
            Self::Input(video) => video.header().frames_per_second,
        }
    }

    /// `12 pictures`, `640×480 y4m`.
    pub(super) fn description(&self) -> String {
        let header = match self {
            Self::Pictures(pictures) if pictures.paths.len() == 1 => return "1 picture".into(),
            Self::Pictures(pictures) => return format!("{} pictures", pictures.paths.len()),
            Self::Video(video) => video.header(),
            Self::Input(video) => video.header(),
        };
        format!("{}×{} y4m", header.width, header.height)
    }

    /// Reads the next picture into `frame` (the picture only).
    pub(super) fn read(&mut self, frame: &mut Frame) -> Result<Next> {
        Ok(match self {
            Self::Pictures(pictures) => pictures.read(frame)?,
            Self::Video(video) => video.read(frame)?,
            Self::Input(video) => video.read(frame)?,
        })
    }

    /// Goes back to the beginning.
    pub(super) fn rewind(&mut self) -> Result<()> {
        match self {
            Self::Pictures(pictures) => pictures.next = 0,
            Self::Video(video) => video.rewind()?,
            Self::Input(_) => bail!("standard input cannot be played again (replay_loop)"),
        }
        Ok(())
    }
}

impl Pictures {
    fn read(&mut self, frame: &mut Frame) -> Result<Next> {
        if self.next == self.paths.len() {
            return Ok(Next::End);
        }
        let picture = self.load(self.next)?;
        frame.resize(picture.width(), picture.height());
        frame.image.copy_from_slice(picture);
        self.next += 1;
        Ok(Next::Frame)
    }

    fn load(&mut self, place: usize) -> Result<&GrayImage> {
        let latest = match self.latest.take() {
            Some(latest) if latest.0 == place => latest,
            _ => (place, load_grey(self.paths.get(place).context("there are no more pictures")?)?),
        };
        Ok(&self.latest.insert(latest).1)
    }
}

fn bad_data(message: String) -> anyhow::Error {
    io::Error::new(io::ErrorKind::InvalidData, message).into()
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// The pictures of a folder (not of folders inside), in the natural order of their names.
fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{}: cannot read the folder", folder.display()))? {
        let path = entry.with_context(|| format!("{}: cannot read the folder", folder.display()))?.path();
        if is_picture(&path) && path.is_file() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(bad_data(format!("{}: no pictures in this folder ({})", folder.display(), EXTENSIONS.join(", "))));
    }
    paths.sort_by(|a, b| natural_order(a.as_os_str().as_bytes(), b.as_os_str().as_bytes()));
    Ok(paths)
}

/// The pictures that a text file names, one a line, relative to the file's own folder. Empty lines and lines with `#` in front are left out.
fn pictures_listed_in(list: &Path) -> Result<Vec<PathBuf>> {
    let name = list.display();
    let length = fs::metadata(list).map_or(0, |about| about.len());
    if length > picture::MAX_BYTES {
        return Err(bad_data(format!("{name}: too long for a list of pictures")));
    }
    let text = fs::read(list).with_context(|| format!("{name}: cannot read the list"))?;
    let folder = list.parent().unwrap_or(Path::new(""));
    let mut paths = Vec::new();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let path = folder.join(OsStr::from_bytes(line));
        fs::metadata(&path).with_context(|| format!("{name}:{}: {}", number + 1, path.display()))?;
        paths.push(path);
    }
    if paths.is_empty() {
        return Err(bad_data(format!("{name}: no pictures in this list")));
    }
    Ok(paths)
}

/// Compares names as people do: digits as the number that they write, so that `2.png` stands before `10.png`.
fn natural_order(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let (digits_a, digits_b) = (count_digits(a), count_digits(b));
        if digits_a > 0 && digits_b > 0 {
            let (number_a, rest_a) = a.split_at(digits_a);
            let (number_b, rest_b) = b.split_at(digits_b);
            let (value_a, value_b) = (without_zeros(number_a), without_zeros(number_b));
            // Of numbers without leading zeros the one with more digits is larger; of equal ones, fewer zeros come first.
            let order = value_a.len().cmp(&value_b.len()).then(value_a.cmp(value_b)).then(digits_a.cmp(&digits_b));
            if order.is_ne() {
                return order;
            }
            (a, b) = (rest_a, rest_b);
        } else {
            match (a.split_first(), b.split_first()) {
                (Some((first_a, rest_a)), Some((first_b, rest_b))) if first_a == first_b => (a, b) = (rest_a, rest_b),
                _ => return a.cmp(b),
            }
        }
    }
}

fn count_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|digit| **digit == b'0').count();
    number.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_as_people_count() {
        let mut names = ["b2", "a10", "a9", "a", "a09", "a1x", "a1", "b", "10", "9", "a10b2", "a10b11"];
        names.sort_by(|a, b| natural_order(a.as_bytes(), b.as_bytes()));
        assert_eq!(names, ["9", "10", "a", "a1", "a1x", "a9", "a09", "a10", "a10b2", "a10b11", "b", "b2"]);
    }

    #[test]
    fn numbers_too_long_for_any_integer_are_compared_too() {
        let long = "9".repeat(50);
        assert_eq!(natural_order(format!("1{long}").as_bytes(), long.as_bytes()), Ordering::Greater);
    }
}
