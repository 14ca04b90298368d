//! The page in a real browser: Chromium, led by its WebDriver.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use visaged::classifier::Emotion;
use visaged::outputs::web::{Patience, Web};
use visaged::outputs::{Output, View};

use super::web::{Device, TOKEN, free_port, is_installed, request};

/// A window of a browser that nobody looks at.
struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// None, and said so, where there is no browser.
    fn open(language: &str) -> Option<Self> {
        if !is_installed("chromedriver", "chromium-driver") {
            return None;
        }
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut browser = Self { driver, port, session: String::new() };
        let begin = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "chromedriver does not begin to listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        let options = json!({
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,900"],
            "prefs": { "intl.accept_languages": language },
        });
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let session = browser.call("POST", "/session", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        browser.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        Some(browser)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) =
            request(([127, 0, 0, 1], self.port).into(), method, &format!("{}{path}", self.session), &[], &body);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(status, 200, "{method} {path} {body}: {answer}");
        answer["value"].clone()
    }

    fn go(&self, url: &str) {
        self.call("POST", "/url", &json!({ "url": url }));
    }

    /// The value of a JavaScript expression.
    fn value(&self, script: &str) -> Value {
        self.call("POST", "/execute/sync", &json!({ "script": format!("return {script}"), "args": [] }))
    }

    /// The text of the element that CSS calls so.
    fn text(&self, selector: &str) -> String {
        self.value(&format!("document.querySelector({selector:?}).textContent")).as_str().unwrap().to_owned()
    }

    fn element(&self, selector: &str) -> String {
        let found = self.call("POST", "/element", &json!({ "using": "css selector", "value": selector }));
        format!("/element/{}", found.as_object().unwrap().values().next().unwrap().as_str().unwrap())
    }

    fn click(&self, selector: &str) {
        self.call("POST", &format!("{}/click", self.element(selector)), &json!({}));
    }

    fn write(&self, selector: &str, text: &str) {
        self.call("POST", &format!("{}/value", self.element(selector)), &json!({ "text": text }));
    }

    fn developer(&self, command: &str, parameters: &Value) -> Value {
        self.call("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// What the browser complains about in the page itself.
    fn complaints(&self) -> Vec<String> {
        let log = self.call("POST", "/se/log", &json!({ "type": "browser" }));
        let messages = log.as_array().unwrap().iter().map(|entry| entry["message"].as_str().unwrap().to_owned());
        messages.filter(|text| text.contains("Security Policy") || text.contains("Error") || text.contains("Uncaught")).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.call("DELETE", "", &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Shows `view` until the page is so.
fn until(device: &mut Device, show: impl Fn(&mut Device), what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(20), "it does not come to: {what}");
        show(device);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
#[ignore = "needs chromium: make test-network"]
fn the_page_opens_with_the_token_only_lives_pauses_and_survives_a_restart() {
    let Some(browser) = Browser::open("en") else { return };
    let mut device = Device::new(true, Patience::default());
    let happy = |device: &mut Device| device.show(Emotion::Happy);
    browser.go(&format!("http://{}/", device.address()));

    until(&mut device, happy, "a question for the token", || browser.value("document.activeElement.id") == "token");
    assert_eq!(browser.value("document.querySelector('main').hidden"), true);
    browser.write("#token", "not-the-right-token");
    browser.click("#login button");
    until(&mut device, happy, "no", || browser.text("#token-wrong") == "This is not the token.");
    browser.write("#token", TOKEN);
    browser.click("#login button");

    until(&mut device, happy, "a happy face", || browser.text("#title") == "Happy");
    assert_eq!(browser.value("document.querySelector('main').hidden"), false);
    assert_eq!(browser.value("document.querySelector('[aria-labelledby=bar-happy]').ariaValueNow"), "70");
    assert_eq!(browser.text("#faces"), "1 face in view");
    until(&mut device, |device| device.show(Emotion::Sad), "a sad one", || browser.text("#title") == "Sad");

    browser.click("#pause");
    let paused = |device: &mut Device| device.web.show(if device.pause.is_on() { View::Paused } else { View::Starting }).unwrap();
    until(&mut device, paused, "a pause", || browser.text("#title") == "Paused" && browser.text("#pause") == "Continue");
    assert!(device.pause.is_on());
    browser.click("#pause");
    until(&mut device, happy, "its end", || browser.text("#title") == "Happy" && browser.text("#pause") == "Pause");
    assert!(!device.pause.is_on());
    device.pause.set_switch(true);
    let note = "The privacy switch keeps the camera closed.";
    until(&mut device, paused, "a pause by the switch", || browser.text("#pause-note") == note);
    assert_eq!(browser.value("document.querySelector('#pause').disabled"), true);
    device.pause.set_switch(false);

    device.close();
    let begin = Instant::now();
    while !browser.text("#connection").starts_with("No connection") {
        assert!(begin.elapsed() < Duration::from_secs(20), "the page does not say that the device is gone");
        std::thread::sleep(Duration::from_millis(50));
    }
    device.web = Web::open(&device.config, &device.health, &device.pause).unwrap();
    let surprise = |device: &mut Device| device.show(Emotion::Surprise);
    until(&mut device, surprise, "the page again, without another login", || {
        browser.text("#title") == "Surprise" && browser.text("#connection").is_empty()
    });
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
#[ignore = "needs chromium: make test-network"]
fn the_page_speaks_the_browsers_language_and_fits_a_small_phone() {
    let Some(browser) = Browser::open("de") else { return };
    let mut device = Device::new(true, Patience::default());
    let happy = |device: &mut Device| device.show(Emotion::Happy);
    browser.developer(
        "Emulation.setDeviceMetricsOverride",
        &json!({"width": 320, "height": 600, "deviceScaleFactor": 1, "mobile": true}),
    );
    // A link may bring the token.
    browser.go(&format!("http://{}/#token={TOKEN}", device.address()));
    until(&mut device, happy, "a happy face in German", || browser.text("#title") == "Fröhlich");
    assert_eq!(browser.value("location.hash"), "");
    assert_eq!(browser.value("document.documentElement.lang"), "de");
    for code in ["fr", "es", "zh", "en", "de"] {
        browser.value(&format!(
            "(() => {{ const list = document.querySelector('#language'); list.value = '{code}'; list.dispatchEvent(new Event('change')); }})()"
        ));
        happy(&mut device);
        let name = browser.text("#bars .top span");
        until(&mut device, happy, "a happy face in another language", || browser.text("#title") == name);
        assert_eq!(browser.value("document.documentElement.scrollWidth"), 320, "{code}");
        let untold = "[...document.querySelectorAll('[data-word]')].filter((element) => !element.textContent).length";
        assert_eq!(browser.value(untold), 0, "{code}");
    }
    // Whatever can be done can be done with the keyboard, and has a name.
    let controls = "[...document.querySelectorAll('button, select, summary, input')].filter((e) => e.checkVisibility())";
    let names = browser.value(&format!(
        "{controls}.map((e) => e.textContent.trim() || e.labels?.[0]?.textContent || '').every((name) => name.length > 0)"
    ));
    assert_eq!(names, true);
    assert_eq!(browser.complaints(), [""; 0]);
}

/// Minutes of an exhibition's day until now, made up: so many seconds of each expression in a minute, by the hour.
fn made_up_day(database: &std::path::Path) {
    let connection = rusqlite::Connection::open(database).unwrap();
    let now = jiff::Timestamp::now().as_second();
    let midnight = jiff::Zoned::now().start_of_day().unwrap().timestamp().as_second();
    connection.execute("INSERT INTO boots VALUES (1, 'boot', ?1)", [midnight]).unwrap();
    for begin in (0..now - midnight - 60).step_by(60) {
        let visitors =
            [0, 0, 0, 0, 0, 0, 0, 0, 3, 9, 16, 22, 14, 18, 25, 30, 26, 20, 8, 0, 0, 0, 0, 0][begin as usize / 3600 % 24];
        let wave = 1000 * visitors + 100 * (begin / 60 % 7) * visitors.min(3);
        let shares = [3, 2, 4, 30, 8, 14, 39].map(|percent| wave * percent / 100);
        let [angry, disgust, fear, happy, sad, surprise, neutral] = shares;
        connection
            .execute(
                "INSERT INTO minutes (boot, uptime, start, length_ms, covered_ms, paused_ms, camera_lost_ms, throttled_ms, frames, dropped, faces,
                     angry_ms, disgust_ms, fear_ms, happy_ms, sad_ms, surprise_ms, neutral_ms)
                 VALUES (1, ?1, ?2, 60000, 0, 0, 0, 0, 900, 0, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                [begin, midnight + begin, angry, disgust, fear, happy, sad, surprise, neutral],
            )
            .unwrap();
    }
}

/// RFC 4648, section 4.
fn from_base64(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let letters: Vec<u8> = text.bytes().filter(|letter| *letter != b'=').map(value).collect();
    let bytes = letters.chunks(4).flat_map(|four| {
        let bits = (0..4).fold(0u32, |bits, i| bits << 6 | u32::from(*four.get(i).unwrap_or(&0)));
        bits.to_be_bytes()[1..four.len()].to_vec()
    });
    bytes.collect()
}

#[test]
#[ignore = "draws web_light.png and web_dark.png: TZ=Etc/GMT+12 VISAGED_SCREENSHOTS=docs cargo test --test it -- --ignored screenshots"]
fn screenshots_of_the_page() {
    let (Some(folder), Some(browser)) = (std::env::var_os("VISAGED_SCREENSHOTS"), Browser::open("en")) else { return };
    let mut device = Device::new(true, Patience::default());
    let statistics = tempfile::tempdir().unwrap();
    device.config.statistics.database = statistics.path().join("statistics.sqlite");
    drop(visaged::outputs::statistics::Statistics::open(&device.config, &device.health).unwrap());
    made_up_day(&device.config.statistics.database);
    device.close();
    device.web = Web::open(&device.config, &device.health, &device.pause).unwrap();
    for part in ["screen (auto)", "LED strip at /dev/spidev0.0", "statistics"] {
        device.health.tell(part, visaged::health::State::Ok, "");
    }
    device.health.tell("database", visaged::health::State::Degraded, "database or disk is full");
    let happy = |device: &mut Device| device.show(Emotion::Happy);
    for scheme in ["light", "dark"] {
        let mut pictures = Vec::new();
        for (width, height) in [(960, 1340), (320, 1340)] {
            let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
            browser.developer("Emulation.setDeviceMetricsOverride", &size);
            let style = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
            browser.developer("Emulation.setEmulatedMedia", &style);
            browser.go("about:blank");
            browser.go(&format!("http://{}/#token={TOKEN}", device.address()));
            until(&mut device, happy, "a happy face", || browser.text("#title") == "Happy");
            until(&mut device, happy, "the chart", || {
                browser.value("document.querySelectorAll('#chart rect').length > 0") == true
            });
            for _ in 0..60 {
                happy(&mut device);
                std::thread::sleep(Duration::from_millis(66));
            }
            let picture = browser.developer("Page.captureScreenshot", &json!({ "format": "png" }));
            let bytes = from_base64(picture["data"].as_str().unwrap());
            pictures.push(image::load_from_memory(&bytes).unwrap().to_rgb8());
        }
        let height = 20 + browser_height(&pictures[0]);
        let mut sheet = image::RgbImage::from_pixel(960 + 320 + 30, height, image::Rgb([0x80, 0x88, 0x90]));
        image::imageops::replace(&mut sheet, &pictures[0], 10, 10);
        image::imageops::replace(&mut sheet, &pictures[1], 980, 10);
        sheet.save(std::path::Path::new(&folder).join(format!("web_{scheme}.png"))).unwrap();
    }
}

/// Up to where a picture has anything but its ground, and a little more.
fn browser_height(picture: &image::RgbImage) -> u32 {
    let ground = picture.get_pixel(0, 0);
    let last = picture.enumerate_pixels().filter(|(_, _, pixel)| *pixel != ground).map(|(_, y, _)| y).max();
    (last.unwrap_or(0) + 16).min(picture.height())
}
