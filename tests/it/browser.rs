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
