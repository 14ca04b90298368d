//! Inputs to begin with: real files of this repository, small ones that are written here, and their near relations.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};

type Seeds = Vec<Vec<u8>>;

const PROGRESSIVE: &[u8] = include_bytes!("../../seeds/progressive.jpg");
const BASELINE: &[u8] = include_bytes!("../../seeds/baseline_420.jpg");
const SIDEWAYS: &[u8] = include_bytes!("../../seeds/sideways.jpg");
const PALETTE: &[u8] = include_bytes!("../../seeds/palette.png");
const WITHOUT_TABLES: &[u8] = include_bytes!("../../../data/mjpeg/422_without_tables.jpg");

pub(super) fn cascades() -> Seeds {
    let one = include_str!("../../seeds/cascade.xml");
    let tree = &one[one.find("<_>\n<maxWeakCount>").unwrap_or(0)..one.find("</stages>").unwrap_or(0)];
    let three = one.replace(tree, &tree.repeat(3)).replace("<stageNum>1<", "<stageNum>3<");
    [one, &three, &one.replace('\n', "\r\n"), "<opencv_storage/>"].map(|text| text.as_bytes().to_vec()).into()
}

pub(super) fn configurations() -> Seeds {
    let sample = include_str!("../../../../systemd/visaged.toml");
    let tables = sample.split("\n\n").map(|table| without_comments(table).into_bytes());
    let filled = include_bytes!("../../seeds/visaged.toml");
    tables.chain([without_comments(sample).into_bytes(), filled.to_vec()]).collect()
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect()
}

pub(super) fn jpegs() -> Seeds {
    let grey = encoded(&gradient(16, 16).into(), ImageFormat::Jpeg);
    let colour = encoded(&DynamicImage::from(gradient(33, 17)).into_rgb8().into(), ImageFormat::Jpeg);
    // As large as a mode of a camera can be.
    let mut huge = PROGRESSIVE.to_vec();
    if let Some(header) = huge.windows(2).position(|bytes| bytes == [0xFF, 0xC2]) {
        huge[header + 5..header + 9].copy_from_slice(&[16, 0, 16, 0]);
    }
    [WITHOUT_TABLES, PROGRESSIVE, BASELINE, SIDEWAYS, &grey, &colour, &huge].map(<[u8]>::to_vec).into()
}

pub(super) fn pictures() -> Seeds {
    let colour = RgbImage::from_fn(9, 7, |x, y| image::Rgb([x as u8 * 20, y as u8 * 30, 99]));
    let colour = DynamicImage::from(colour);
    let made = [
        encoded(&gradient(9, 7).into(), ImageFormat::Png),
        encoded(&colour, ImageFormat::Png),
        encoded(&colour.to_rgba8().into(), ImageFormat::Png),
        encoded(&colour.to_luma_alpha16().into(), ImageFormat::Png),
        encoded(&colour.to_rgb16().into(), ImageFormat::Png),
        encoded(&colour, ImageFormat::Pnm),
    ];
    let written: [&[u8]; 7] = [
        PALETTE,
        b"P1 3 2\n0 1 0\n1 0 1\n",
        b"P2 # comment\n3 2 255\n0 10 20 30 40 50\n",
        b"P3 1 2 15 1 2 3 4 5 6\n",
        b"P4 9 2\n\xaa\x80\x55\x00",
        b"P5 2 2 65535\n\0\x01\0\x02\0\x03\0\x04",
        b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\nabcdefgh",
    ];
    made.into_iter().chain(written.map(<[u8]>::to_vec)).chain(jpegs()).collect()
}

fn gradient(width: u32, height: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| image::Luma([(x * 7 + y * 5) as u8]))
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("this picture can be written in this format");
    bytes.into_inner()
}

pub(super) fn raw_pictures() -> Seeds {
    let layout = |format: u8, width: u32, height: u32, bytes_per_line: u32, bytes: usize| {
        let mut seed = vec![format];
        seed.extend([width, height, bytes_per_line].map(u32::to_le_bytes).concat());
        seed.extend((0..bytes).map(|byte| byte as u8));
        seed
    };
    vec![
        layout(0, 8, 4, 0, 32),
        layout(0, 7, 4, 8, 31),
        layout(1, 6, 3, 16, 48),
        layout(2, 5, 3, 0, 30),
        layout(3, 6, 4, 8, 48),
        layout(4, 6, 4, 6, 36),
        layout(0, 4096, 4096, u32::MAX, 16),
        layout(1, u32::MAX, 1, 0, 16),
        layout(3, 640, 480, 640, 0),
        [layout(5, 32, 24, 0, 0), BASELINE.to_vec()].concat(),
        layout(6, 1, 1, 1, 1),
    ]
}

pub(super) fn recordings() -> Seeds {
    let one = |header: &str, frame: &str, bytes: usize| [format!("{header}\n{frame}\n").into_bytes(), vec![7; bytes]].concat();
    let two = [one("YUV4MPEG2 W3 H2 F25:1 Ip A1:1 C420jpeg XYSCSS=420JPEG", "FRAME", 10), one("FRAME Ip", "", 8)].concat();
    vec![
        two,
        one("YUV4MPEG2 W4 H2 F30000:1001 Cmono", "FRAME", 8),
        one("YUV4MPEG2 W5 H3 C411", "FRAME", 27),
        one("YUV4MPEG2 W5 H3 C422", "FRAME", 33),
        one("YUV4MPEG2 W2 H2 C444alpha", "FRAME", 16),
        one("YUV4MPEG2 W2 H2 C420p10", "FRAME", 12),
        one("YUV4MPEG2 W8192 H8 F0:0", "FRAME", 0),
    ]
}

/// The two small networks; the third is of the first one's kind and takes ten times as long.
pub(super) fn models() -> Seeds {
    let nano: &[u8] = include_bytes!("../../../../models/mini_xception_nano.onnx");
    let finder: &[u8] = include_bytes!("../../../../models/face_finder.onnx");
    [nano, finder].map(<[u8]>::to_vec).into()
}

pub(super) fn idx() -> Seeds {
    let labels = [&[0, 0, 8, 1, 0, 0, 0, 2][..], &[3, 6]].concat();
    let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4][..], &[9; 24]].concat();
    let seed = |compressed: u8, labels: &[u8], images: &[u8]| [&[compressed, labels.len() as u8], labels, images].concat();
    vec![
        seed(0, &labels, &images),
        seed(1, &labels, &compressed(&images)),
        seed(2, &compressed(&labels), &images),
        seed(3, &compressed(&labels), &compressed(&images)),
    ]
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory can be written")
}

pub(super) fn fer_csv() -> Seeds {
    let pixels = "17 ".repeat(48 * 48);
    let pixels = pixels.trim_end();
    [
        format!("emotion,pixels,Usage\n3,{pixels},Training\n0,1 2,PublicTest\n"),
        format!("\u{feff}Usage,emotion,pixels\r\n\"Training\",\"6\",\"{pixels}\"\r\n"),
        "emotion,pixels,Usage\n9,1 2 3,Training\n".into(),
    ]
    .map(String::into_bytes)
    .into()
}

pub(super) fn timetables() -> Seeds {
    [
        "start,end,expression\n0,1.5,happy\n1.5,2,neutral\n# pause\n7, 9 ,sad\n",
        "expression,start,end\r\n\"angry\",1e0,1e3\r\n",
        "start,end,expression\n3,2,fear\n",
        "start,end,expression\n0,1e300,fear\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

pub(super) fn answers() -> Seeds {
    [
        r#"{"version":"0.1.0","uptime_s":273000.5,"frames":4,"dropped":1,"frames_per_second":14.9,"faces":2,"last_expression":"happy","temperature_c":61.3,"throttled":true,"parts":[{"name":"camera","state":"degraded","reason":"unplugged","for_s":12.5},{"name":"database","state":"ok","reason":"","for_s":1}]}"#,
        r#"{"version":"0.1.0","uptime_s":0.0,"frames":0,"dropped":0,"frames_per_second":0.0,"faces":0,"last_expression":null,"temperature_c":null,"throttled":null,"parts":[]}"#,
        "{}",
        "",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

/// As browsers, curl and Prometheus send them; one with two requests in it, and one whose body comes in pieces.
#[cfg(feature = "web")]
pub(super) fn requests() -> Seeds {
    let browser = "Host: localhost:8080\r\nConnection: keep-alive\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n\
                   Accept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nReferer: http://localhost:8080/\r\n\
                   Accept-Encoding: gzip, deflate, br\r\nAccept-Language: de-AT,de;q=0.9\r\nCookie: visaged=0123456789abcdef\r\n";
    let wish = |path: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\n{browser}Origin: http://localhost:8080\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    [
        format!("GET / HTTP/1.1\r\n{browser}\r\n"),
        format!("GET /today HTTP/1.1\r\n{browser}\r\n"),
        format!("GET /events HTTP/1.1\r\n{browser}Cache-Control: no-cache\r\n\r\n"),
        wish("/pause", "{\"paused\":true}"),
        wish("/pause", "{\"paused\":false}"),
        wish("/login", "{\"token\":\"correct-horse-battery\"}"),
        "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: Prometheus/3.5.0\r\nAccept-Encoding: gzip\r\n\
         Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2\r\n\
         X-Prometheus-Scrape-Timeout-Seconds: 10\r\nAuthorization: Bearer correct-horse-battery\r\n\r\n"
            .into(),
        "HEAD /healthz HTTP/1.0\r\nHost: [::1]:8080\r\nUser-Agent: curl/8.5.0\r\nExpect: 100-continue\r\n\r\n".into(),
        format!("GET /icon.svg HTTP/1.1\r\n{browser}\r\nGET /look.json HTTP/1.1\r\n{browser}Connection: close\r\n\r\n"),
        format!(
            "POST /pause HTTP/1.1\r\n{browser}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
             8\r\n{{\"paused\r\n7;x=y\r\n\":true}}\r\n0\r\n\r\n"
        ),
        "GET http://localhost/page.css HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
    ]
    .map(String::into_bytes)
    .into()
}
