//! YUV4MPEG2 (`.y4m`), what `ffmpeg -f yuv4mpegpipe` writes: a header line, then raw pictures, luma plane first.
//!
//! Format: <https://wiki.multimedia.cx/index.php/YUV4MPEG2>. We read it ourselves because a hostile width times height must be an error and no overflow,
//! a cut recording must be told from one that has ended, and the luma can go straight into the frame while chroma is passed over.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::io::{self, BufRead, Read};

use thiserror::Error;

use super::picture::MAX_SIDE;
use crate::frame::Frame;

/// The longest header or frame line in bytes. (ffmpeg's header has about 80.)
const MAX_LINE: u64 = 1024;

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Header {
    pub width: u32,
    pub height: u32,
    /// None if it is not given (0:0), or no rate.
    pub frames_per_second: Option<f64>,
    /// How many bytes follow the luma of each frame.
    chroma_bytes: u64,
}

/// Why a stream cannot be read.
#[derive(Debug, Error)]
pub(crate) enum Y4mError {
    #[error("not a y4m stream (it does not begin with YUV4MPEG2)")]
    NotY4m,
    #[error("the y4m header does not end within {MAX_LINE} bytes")]
    NoEnd,
    #[error("the y4m header lacks {0}, or its value is no number")]
    Lacks(&'static str),
    #[error("{width}×{height} pixels: each side must be from 1 to {MAX_SIDE}")]
    Size { width: u64, height: u64 },
    #[error("the pixel format C{0} is not read, only those with 8 bits: let ffmpeg convert with `-pix_fmt gray`")]
    PixelFormat(String),
    #[error("damaged after {0} frames (no FRAME line)")]
    NoFrameLine(u64),
    #[error("cannot read on")]
    Read(#[from] io::Error),
}

/// How reading a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Frame,
    End,
    /// The recording ends within a frame.
    Cut,
}

/// Reads frames from a stream.
pub(super) struct Reader<R> {
    stream: R,
    header: Header,
    line: Vec<u8>,
    frames: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    pub(super) fn new(mut stream: R) -> Result<Self, Y4mError> {
        let mut line = Vec::new();
        stream.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        let header = parse_header(&line)?;
        Ok(Self { stream, header, line, frames: 0 })
    }

    pub(super) fn header(&self) -> Header {
        self.header
    }

    /// Reads one frame into `frame` (the picture only).
    pub(super) fn read(&mut self, frame: &mut Frame) -> Result<Next, Y4mError> {
        self.line.clear();
        self.stream.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.line)?;
        if self.line.is_empty() {
            return Ok(Next::End);
        }
        if !self.line.ends_with(b"\n") && b"FRAME".starts_with(&self.line) {
            return Ok(Next::Cut);
        }
        if !(self.line == b"FRAME\n" || self.line.starts_with(b"FRAME ") && self.line.ends_with(b"\n")) {
            return Err(Y4mError::NoFrameLine(self.frames));
        }
        frame.resize(self.header.width, self.header.height);
        match self.stream.read_exact(&mut frame.image) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Next::Cut),
            Err(error) => return Err(error.into()),
        }
        let passed_over = io::copy(&mut self.stream.by_ref().take(self.header.chroma_bytes), &mut io::sink())?;
        if passed_over < self.header.chroma_bytes {
            return Ok(Next::Cut);
        }
        self.frames += 1;
        Ok(Next::Frame)
    }
}

impl<R: BufRead + io::Seek> Reader<R> {
    /// Goes back to the first frame.
    pub(super) fn rewind(&mut self) -> Result<(), Y4mError> {
        self.stream.rewind()?;
        self.line.clear();
        self.stream.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.line)?;
        self.header = parse_header(&self.line)?;
        self.frames = 0;
        Ok(())
    }
}

/// `YUV4MPEG2 W640 H480 F25:1 Ip A1:1 C420jpeg XYSCSS=420JPEG`, in any order after the first word.
fn parse_header(line: &[u8]) -> Result<Header, Y4mError> {
    let text = line.strip_prefix(b"YUV4MPEG2 ").ok_or(Y4mError::NotY4m)?;
    let text = text.strip_suffix(b"\n").ok_or(Y4mError::NoEnd)?;
    let text = String::from_utf8_lossy(text);
    let value = |tag: char| text.split_ascii_whitespace().find_map(|word| word.strip_prefix(tag));

    let number =
        |tag, name| -> Result<u64, Y4mError> { value(tag).and_then(|text| text.parse().ok()).ok_or(Y4mError::Lacks(name)) };
    let (width, height) = (number('W', "a width (W)")?, number('H', "a height (H)")?);
    let in_range = |side| u32::try_from(side).ok().filter(|side| (1..=MAX_SIDE).contains(side));
    let (Some(w), Some(h)) = (in_range(width), in_range(height)) else {
        return Err(Y4mError::Size { width, height });
    };

    let half_width = width.div_ceil(2);
    let chroma_bytes = match value('C').unwrap_or("420") {
        "mono" => 0,
        "420" | "420jpeg" | "420mpeg2" | "420paldv" => 2 * half_width * height.div_ceil(2),
        "411" => 2 * width.div_ceil(4) * height,
        "422" => 2 * half_width * height,
        "444" => 2 * width * height,
        "444alpha" => 3 * width * height,
        other => return Err(Y4mError::PixelFormat(other.to_owned())),
    };

    let frames_per_second = value('F').and_then(|rate| {
        let (frames, seconds) = rate.split_once(':')?;
        let rate = f64::from(frames.parse::<u32>().ok()?) / f64::from(seconds.parse::<u32>().ok()?);
        (rate.is_finite() && rate > 0.0).then_some(rate)
    });
    Ok(Header { width: w, height: h, frames_per_second, chroma_bytes })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn error_of(header: &[u8]) -> String {
        Reader::new(header).err().expect("this header should be refused").to_string()
    }

    #[test]
    fn the_header_of_ffmpeg_is_understood() {
        // The form that libavformat/yuv4mpegenc.c writes for yuvj420p/yuv420p at 29.97 frames/s.
        let header = b"YUV4MPEG2 W6 H3 F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG XCOLORRANGE=LIMITED\n";
        let header = Reader::new(&header[..]).unwrap().header();
        assert_eq!((header.width, header.height, header.chroma_bytes), (6, 3, 12));
        assert!((header.frames_per_second.unwrap() - 29.97).abs() < 0.001);
    }

    #[test]
    fn a_frame_gives_its_luma_and_the_next_one_begins_after_its_chroma() {
        let mut stream = b"YUV4MPEG2 W3 H2 C420jpeg\n".to_vec();
        stream.extend_from_slice(b"FRAME\n\x01\x02\x03\x04\x05\x06uuvvFRAME Ip\n\x07\x08\x09\x0a\x0b\x0cuuvv");
        let mut reader = Reader::new(Cursor::new(stream)).unwrap();
        let mut frame = Frame::default();
        for _ in 0..2 {
            assert_eq!(reader.read(&mut frame).unwrap(), Next::Frame);
            assert_eq!(frame.image.as_raw(), &[1, 2, 3, 4, 5, 6]);
            assert_eq!(reader.read(&mut frame).unwrap(), Next::Frame);
            assert_eq!(frame.image.as_raw(), &[7, 8, 9, 10, 11, 12]);
            assert_eq!(reader.read(&mut frame).unwrap(), Next::End);
            reader.rewind().unwrap();
        }
    }

    #[test]
    fn chroma_of_every_8_bit_format_is_passed_over() {
        for (format, chroma) in [("mono", 0), ("411", 4), ("420paldv", 4), ("422", 8), ("444", 12), ("444alpha", 18)] {
            let mut stream = format!("YUV4MPEG2 W3 H2 C{format}\n").into_bytes();
            for luma in [b"abcdef", b"ghijkl"] {
                stream.extend_from_slice(b"FRAME\n");
                stream.extend_from_slice(luma);
                stream.extend(std::iter::repeat_n(0, chroma));
            }
            let mut reader = Reader::new(&stream[..]).unwrap();
            let mut frame = Frame::default();
            reader.read(&mut frame).unwrap();
            assert_eq!(reader.read(&mut frame).unwrap(), Next::Frame, "{format}");
            assert_eq!(frame.image.as_raw(), b"ghijkl", "{format}");
            assert_eq!(reader.read(&mut frame).unwrap(), Next::End, "{format}");
        }
    }

    #[test]
    fn a_recording_cut_anywhere_is_told_from_one_that_ended_and_never_panics() {
        let stream = b"YUV4MPEG2 W3 H2 Cmono\nFRAME\nabcdefFRAME\nghijkl";
        let (header, first) = (22, 22 + 12);
        for length in 0..stream.len() {
            let mut frame = Frame::default();
            let Ok(mut reader) = Reader::new(&stream[..length]) else {
                assert!(length < header);
                continue;
            };
            let mut last = reader.read(&mut frame).unwrap();
            if last == Next::Frame {
                last = reader.read(&mut frame).unwrap();
            }
            let expected = if length == header || length == first { Next::End } else { Next::Cut };
            assert_eq!(last, expected, "cut to {length}");
        }
    }

    #[test]
    fn a_hostile_header_gets_one_clear_line() {
        assert_eq!(error_of(b""), "not a y4m stream (it does not begin with YUV4MPEG2)");
        assert_eq!(error_of(b"RIFF\0\0\0\0AVI "), "not a y4m stream (it does not begin with YUV4MPEG2)");
        assert_eq!(error_of(b"YUV4MPEG2 H2\n"), "the y4m header lacks a width (W), or its value is no number");
        assert_eq!(error_of(b"YUV4MPEG2 W-3 H2\n"), "the y4m header lacks a width (W), or its value is no number");
        assert_eq!(error_of(b"YUV4MPEG2 W0 H2\n"), "0×2 pixels: each side must be from 1 to 8192");
        assert_eq!(
            error_of(b"YUV4MPEG2 W4294967296 H4294967296\n"),
            "4294967296×4294967296 pixels: each side must be from 1 to 8192"
        );
        assert!(
            error_of(b"YUV4MPEG2 W3 H2 C420p10\n").starts_with("the pixel format C420p10 is not read, only those with 8 bits")
        );
        assert_eq!(error_of(&[&b"YUV4MPEG2 "[..], &[b' '; 5000]].concat()), "the y4m header does not end within 1024 bytes");
    }

    #[test]
    fn a_rate_that_is_none_is_left_open() {
        for rate in ["F0:0", "F25:0", "F0:1", "F25", "Fx:y", ""] {
            let header = format!("YUV4MPEG2 W3 H2 {rate}\n");
            assert_eq!(Reader::new(header.as_bytes()).unwrap().header().frames_per_second, None, "{rate}");
        }
    }

    #[test]
    fn something_else_between_two_frames_is_an_error() {
        let mut reader = Reader::new(&b"YUV4MPEG2 W1 H1 Cmono\nFRAME\naFRAMEFRAME\nb"[..]).unwrap();
        let mut frame = Frame::default();
        reader.read(&mut frame).unwrap();
        assert_eq!(reader.read(&mut frame).unwrap_err().to_string(), "damaged after 1 frames (no FRAME line)");
    }
}
