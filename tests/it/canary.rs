//! No pixel leaves the program: pictures with a known random pattern go in, and everything that comes out is searched for them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};
use visaged::camera::puppet::Puppet;

use super::service::Service;

/// The pattern is the left half of each picture, a drawn face with noise the right one.
const SIDE: (u32, u32) = (160, 240);
/// The pattern is made of squares of this size, which survive being made smaller, and of noise, which makes every few bytes unlike any others.
const SQUARE: u32 = 8;
/// So many bytes in a row of the pictures are not found anywhere else by chance.
const WINDOW: usize = 8;
/// How alike the pattern and a part of a picture must be for the one to be in the other (correlation). By chance, 600 random squares reach 0.2.
const ALIKE: f32 = 0.5;

/// The random numbers of Marsaglia's xorshift32.
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}

/// The pictures that go in.
fn pictures(count: u32) -> Vec<GrayImage> {
    let mut random = Random(0x00ca_4a27);
    let squares: Vec<u8> = (0..SIDE.0 / SQUARE * (SIDE.1 / SQUARE)).map(|_| 40 + (random.next() % 176) as u8).collect();
    let pattern = GrayImage::from_fn(SIDE.0, SIDE.1, |x, y| {
        let square = squares[(y / SQUARE * (SIDE.0 / SQUARE) + x / SQUARE) as usize];
        Luma([square - 20 + (random.next() % 41) as u8])
    });
    let puppet = Puppet::new(SIDE.0, SIDE.1, 15);
    let picture = |number: u32| {
        let mut picture = GrayImage::new(2 * SIDE.0, SIDE.1);
        let mut face = GrayImage::default();
        puppet.draw(&mut face, Duration::from_millis(66) * number);
        face.pixels_mut().for_each(|pixel| pixel.0[0] = pixel.0[0].saturating_add((random.next() % 9) as u8));
        imageops::replace(&mut picture, &pattern, 0, 0);
        imageops::replace(&mut picture, &face, i64::from(SIDE.0), 0);
        picture
    };
    (0..count).map(picture).collect()
}

/// Knows the pictures again.
struct Canary {
    /// Every few bytes in a row of a picture, as numbers in their order.
    windows: Vec<u64>,
    /// A bit for each hash of such a number, so that most others are told at once.
    hashes: Vec<u64>,
    /// The squares of the pattern, a pixel each.
    squares: Squares,
    /// A fifth of them, for a first look.
    some: Squares,
}

/// What is read from bytes that may be a text of some kind.
type Decode = fn(&[u8]) -> Vec<Vec<u8>>;

/// Places from the top left one, and the grey there, with mean 0 and length 1.
struct Squares(Vec<(usize, usize, f32)>);

impl Squares {
    fn of(places: impl Iterator<Item = (usize, usize, f32)>) -> Self {
        let mut places: Vec<_> = places.collect();
        let mean = places.iter().map(|place| place.2).sum::<f32>() / places.len() as f32;
        let length = places.iter().map(|place| (place.2 - mean).powi(2)).sum::<f32>().sqrt();
        places.iter_mut().for_each(|place| place.2 = (place.2 - mean) / length);
        Self(places)
    }

    /// How alike they are to the part of `picture` at this place, -1 to 1.
    fn likeness(&self, picture: &GrayImage, left: usize, top: usize) -> f32 {
        let (row, pixels) = (picture.width() as usize, picture.as_raw());
        let (mut product, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for (x, y, grey) in &self.0 {
            let pixel = f32::from(pixels[(top + y) * row + left + x]);
            product += pixel * grey;
            sum += pixel;
            squares += pixel * pixel;
        }
        let spread = squares - sum * sum / self.0.len() as f32;
        if spread > 1.0 { product / spread.sqrt() } else { 0.0 }
    }
}

impl Canary {
    fn of(pictures: &[GrayImage]) -> Self {
        let rows = pictures.iter().flat_map(|picture| picture.as_raw().chunks(picture.width() as usize));
        // A few bytes of nearly one grey may be anything.
        let telling = |window: &&[u8]| window.iter().max().unwrap() - window.iter().min().unwrap() >= 6;
        let mut windows: Vec<_> = rows.flat_map(|row| row.windows(WINDOW).filter(telling).map(number)).collect();
        windows.sort_unstable();
        let mut hashes = vec![0; 1 << 18];
        windows.iter().for_each(|window| hashes[hash(*window) / 64] |= 1 << (hash(*window) % 64));

        let pattern = imageops::crop_imm(&pictures[0], 0, 0, SIDE.0, SIDE.1).to_image();
        let small = imageops::resize(&pattern, SIDE.0 / SQUARE, SIDE.1 / SQUARE, FilterType::Triangle);
        let squares = || small.enumerate_pixels().map(|(x, y, pixel)| (x as usize, y as usize, f32::from(pixel.0[0])));
        Self { windows, hashes, squares: Squares::of(squares()), some: Squares::of(squares().step_by(5)) }
    }

    /// In which form the pictures are in these bytes, if they are.
    fn found_in(&self, bytes: &[u8]) -> Option<&'static str> {
        let forms: [(&str, Decode); 4] = [
            ("bytes", |bytes| vec![bytes.to_vec()]),
            ("hexadecimal", from_hex),
            ("base64", from_base64),
            ("numbers", from_numbers),
        ];
        for (name, decode) in forms {
            if decode(bytes).iter().any(|bytes| self.is_in(bytes)) {
                return Some(name);
            }
        }
        let picture = image::load_from_memory(bytes).ok()?.to_luma8();
        if self.is_in(picture.as_raw()) {
            return Some("pixels");
        }
        self.is_seen_in(&picture).then_some("a picture")
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        bytes.windows(WINDOW).map(number).any(|window| {
            self.hashes[hash(window) / 64] >> (hash(window) % 64) & 1 == 1 && self.windows.binary_search(&window).is_ok()
        })
    }

    /// Whether the pattern is somewhere in `picture`, from 20 to 400 % of its size.
    fn is_seen_in(&self, picture: &GrayImage) -> bool {
        let (columns, rows) = (SIDE.0 / SQUARE, SIDE.1 / SQUARE);
        let mut widths = (0..).map(|step| 32.0 * 1.08_f32.powi(step)).take_while(|width| *width <= 640.0);
        widths.any(|width| {
            // So small that a square is a pixel.
            let scale = columns as f32 / width;
            let [width, height] = [picture.width(), picture.height()].map(|length| (length as f32 * scale) as u32);
            if width < columns || height < rows {
                return false;
            }
            let small = imageops::resize(picture, width, height, FilterType::Triangle);
            let lefts = 0..=(width - columns) as usize;
            (0..=(height - rows) as usize).any(|top| {
                lefts.clone().any(|left| {
                    self.some.likeness(&small, left, top) >= 0.7 * ALIKE && self.squares.likeness(&small, left, top) >= ALIKE
                })
            })
        })
    }
}

fn number(window: &[u8]) -> u64 {
    u64::from_le_bytes(window.try_into().expect("a window has this length"))
}

/// 24 bits.
fn hash(window: u64) -> usize {
    (window.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
}

/// What hexadecimal text there is, read from both its first and its second digit.
fn from_hex(bytes: &[u8]) -> Vec<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let texts = bytes.split(|byte| digit(*byte).is_none()).filter(|text| text.len() >= 2 * WINDOW);
    let read = |text: &[u8]| text.chunks_exact(2).map(|pair| 16 * digit(pair[0]).unwrap() + digit(pair[1]).unwrap()).collect();
    texts.flat_map(|text| [read(text), read(&text[1..])]).collect()
}

/// What base64 text there is, read from each of its first four letters.
fn from_base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let texts = bytes.split(|byte| digit(*byte).is_none()).filter(|text| text.len() >= 2 * WINDOW);
    let read = |text: &[u8]| {
        let bits = text
            .chunks_exact(4)
            .map(|four| four.iter().fold(0_u32, |bits, letter| bits << 6 | u32::from(digit(*letter).unwrap())));
        bits.flat_map(|bits| [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]).collect()
    };
    texts.flat_map(|text| (0..4).map(move |skip| &text[skip..])).map(read).collect()
}

/// All whole numbers from 0 to 255 in a text, one after the other.
fn from_numbers(bytes: &[u8]) -> Vec<Vec<u8>> {
    let numbers = bytes.split(|byte| !byte.is_ascii_digit()).filter(|digits| !digits.is_empty());
    vec![numbers.filter_map(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).collect()]
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() {
            found.push((entry.path().display().to_string(), fs::read(entry.path()).unwrap()));
        }
    }
    found
}

fn png(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn a_picture_that_got_out_would_be_found_in_any_form() {
    let pictures = pictures(3);
    let canary = Canary::of(&pictures);
    // Twelve pixels in the middle of the face, of the last picture.
    let row = &pictures[2].as_raw()[(100 * 320 + 240)..][..12];
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for lead in 0..3 {
        let bytes: Vec<u8> = (0..lead).chain(row.iter().copied()).chain([0; 3]).collect();
        let three = bytes.chunks_exact(3).flat_map(|three| {
            let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
            [18, 12, 6, 0].map(|shift| letters[(bits >> shift & 63) as usize])
        });
        let text: Vec<u8> = b"{\"x\": \"".iter().copied().chain(three).chain(*b"\"}").collect();
        assert_eq!(canary.found_in(&text), Some("base64"));
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(canary.found_in(format!("crop={hex};").as_bytes()), Some("hexadecimal"));
        assert_eq!(canary.found_in(format!("crop=a{hex};").as_bytes()), Some("hexadecimal"));
    }
    assert_eq!(canary.found_in(&[&[1, 2, 3], row, &[9]].concat()), Some("bytes"));
    assert_eq!(canary.found_in(format!("{row:?}").as_bytes()), Some("numbers"));
    assert_eq!(canary.found_in(&png(&pictures[0])), Some("pixels"));
    // On a display, smaller or larger and beside other things.
    for (width, height) in [(64, 48), (100, 75), (213, 160), (500, 375)] {
        let mut display = GrayImage::from_fn(800, 480, |x, _| Luma([(x / 4) as u8]));
        let thumbnail = imageops::resize(&pictures[1], width, height, FilterType::CatmullRom);
        imageops::replace(&mut display, &thumbnail, 203, 71);
        assert_eq!(canary.found_in(&png(&display)), Some("a picture"), "{width}×{height}");
    }
    assert_eq!(canary.found_in(b"face 1 at 190,70 (96 px): happy 93 %"), None);
}

/// A folder with the pictures.
fn recorded(pictures: &[GrayImage]) -> tempfile::TempDir {
    let recording = tempfile::tempdir().unwrap();
    for (number, picture) in pictures.iter().enumerate() {
        picture.save(recording.path().join(format!("{number}.png"))).unwrap();
    }
    recording
}

#[test]
fn no_pixel_is_in_anything_that_the_service_writes_sends_or_logs() {
    let pictures = pictures(8);
    let canary = Canary::of(&pictures);
    let recording = recorded(&pictures);
    let config = format!(
        "[camera]\nsource = \"replay\"\nreplay = {:?}\nreplay_loop = true\n[display]\npng = \"FOLDER/scene.png\"\noutline = true\n[statistics]\n\
         database = \"FOLDER/statistics.sqlite\"\nevents = true\nfile = \"FOLDER/lines.jsonl\"\ninterval_s = 1\n",
        recording.path()
    );
    let Some(mut service) = Service::start(&config, &[]) else { return };
    let mut sent = Vec::new();
    service.wait_for("a face is seen", 60, |service| {
        let status = service.status().unwrap_or_default();
        sent.extend(status.to_string().into_bytes());
        status["faces"] == 1 && status["last_expression"].is_string()
    });
    // Some scene with the face.
    let drawn = fs::metadata(service.at("scene.png")).unwrap().modified().unwrap();
    service.wait_for("the scene is drawn", 60, |service| {
        fs::metadata(service.at("scene.png")).is_ok_and(|file| file.modified().unwrap() > drawn)
    });
    let while_running = files(service.folder.path());
    assert!(service.end().0.success(), "{}", service.log());
    sent.extend(service.told().concat().into_bytes());

    let written = files(service.folder.path());
    for name in ["scene.png", "statistics.sqlite", "lines.jsonl", "log"] {
        let file = written.iter().find(|(path, _)| path.ends_with(name));
        assert!(file.is_some_and(|(_, bytes)| !bytes.is_empty()), "{name} is empty");
    }
    assert!(service.log().contains("face 1 at"), "{}", service.log());
    let outlets = written.into_iter().chain(while_running).chain([("sent".to_owned(), sent)]);
    for (outlet, bytes) in outlets {
        assert_eq!(canary.found_in(&bytes), None, "{outlet}");
    }
}

#[cfg(all(feature = "mqtt", feature = "web"))]
#[test]
fn no_pixel_is_in_anything_that_page_figures_and_broker_get_whether_outlines_are_shown_or_not() {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, SocketAddr, TcpStream};

    use super::{mqtt, web};

    let pictures = pictures(8);
    let canary = Canary::of(&pictures);
    let recording = recorded(&pictures);
    for outlines in [false, true] {
        let page = SocketAddr::from((Ipv4Addr::LOCALHOST, web::free_port()));
        let (port, taken) = mqtt::take_everything();
        let config = format!(
            "[camera]\nsource = \"replay\"\nreplay = {:?}\nreplay_loop = true\n[display]\npng = \"FOLDER/scene.png\"\n\
             outline = {outlines}\n[statistics]\ndatabase = \"FOLDER/statistics.sqlite\"\nevents = true\n\
             [web]\nlisten = \"{page}\"\ntoken_file = \"FOLDER/token\"\npreview = {outlines}\n[mqtt]\nbroker = \"127.0.0.1:{port}\"\n",
            recording.path()
        );
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("token"), web::TOKEN).unwrap();
        let Some(mut service) = Service::start_in(folder, &config, &[]) else { return };
        service.wait_for("a face is seen", 60, |service| {
            let status = service.status().unwrap_or_default();
            status["faces"] == 1 && status["last_expression"].is_string() && service.part("mqtt").0 == "OK"
        });
        let token = format!("Authorization: Bearer {}", web::TOKEN);
        let mut outlets = Vec::new();
        // An open page hears what is seen for some seconds.
        let mut stream = TcpStream::connect(page).unwrap();
        stream.write_all(format!("GET /events HTTP/1.1\r\nHost: {page}\r\n{token}\r\n\r\n").as_bytes()).unwrap();
        let mut events = vec![0; 20_000];
        stream.read_exact(&mut events[..8_000]).unwrap();
        let length = 8_000 + stream.read(&mut events[8_000..]).unwrap();
        outlets.push(("/events".to_owned(), events[..length].to_vec()));
        for path in ["/", "/today", "/healthz", "/metrics", "/look.json", "/palette.css", "/icon.svg"] {
            let (status, body) = web::request(page, "GET", path, &[&token], "");
            assert_eq!(status, 200, "{path}: {body}");
            outlets.push((path.to_owned(), body.into_bytes()));
        }
        assert!(service.end().0.success(), "{}", service.log());
        outlets.push(("broker".to_owned(), taken.join().unwrap()));
        outlets.extend(files(service.folder.path()));

        let holds = |outlet: &str, words: &str| {
            let (_, bytes) = outlets.iter().find(|(name, _)| name == outlet).unwrap();
            String::from_utf8_lossy(bytes).contains(words)
        };
        // What was looked at was worth it.
        assert!(holds("/events", "\"faces\":1") && holds("broker", "\"faces\":1"), "{outlets:?}");
        assert_eq!(holds("/events", "\"cells\""), outlines);
        for (outlet, bytes) in outlets {
            assert_eq!(canary.found_in(&bytes), None, "{outlet}, outlines: {outlines}");
        }
    }
}
