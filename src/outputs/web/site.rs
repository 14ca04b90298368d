//! What is answered to which request.
//!
//! | path | method | |
//! |---|---|---|
//! | `/` and the files of `page/`, `/palette.css`, `/look.json` | GET | The page; the same for everybody, and no figure in it. |
//! | `/login` | POST | Token against cookie. |
//! | `/events` | GET | What is seen now, as server-sent events. |
//! | `/today` | GET | Seconds per expression and hour. |
//! | `/pause` | POST | Begins or ends a pause. |
//! | `/healthz` | GET | 200 if camera and recognition work or rest on wish, else 503. |
//! | `/metrics` | GET | For Prometheus. |
//!
//! All but the page and the login want the token, if there is one. Order of the checks: name of the device, path, method, token, origin, body.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};
use tokio_stream::wrappers::WatchStream;

use super::access::{Access, Refusal, check_origin};
use super::body::{self, Answer};
use super::live::{Sight, Slot, trouble};
use super::today::{Before, Database, Minutes};
use super::{event, look, metrics};
use crate::config::Config;
use crate::frame::monotonic_now;
use crate::health::{Health, Snapshot};
use crate::outputs::statistics::{database_to_write, device_name};
use crate::pause::Pause;

/// Two events are so far apart at least.
const EVENT_EVERY: Duration = Duration::from_millis(200);

/// And so far at most: whoever hears nothing for longer is cut off.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// More pages cannot be open at the same time: connections must be left for those who ask for one thing and go.
const MOST_STREAMS: usize = 12;

/// What a wrong token costs.
const WRONG_TOKEN_TAKES: Duration = Duration::from_millis(500);

/// For so long the rows of the database are not read again.
const ROWS_ARE_FRESH: Duration = Duration::from_secs(60);

/// Nothing comes from elsewhere, nothing is framed, nothing is sent elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Everything that answers are made from.
pub(super) struct Site {
    access: Access,
    slot: Slot,
    health: Health,
    pause: Pause,
    device: String,
    look: Bytes,
    palette: Bytes,
    minutes: Mutex<Minutes>,
    database: Database,
    before: tokio::sync::Mutex<Option<(Instant, Arc<Before>)>>,
    events: watch::Sender<Bytes>,
    streams: Arc<Semaphore>,
}

/// What `/healthz` says.
#[derive(Serialize)]
struct Condition<'a> {
    /// `ok`, `paused` or `failing`.
    status: &'static str,
    reason: String,
    health: &'a Snapshot,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    paused: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    token: String,
}

impl Site {
    /// # Errors
    /// If the token cannot be read.
    pub(super) fn open(config: &Config, slot: Slot, health: &Health, pause: &Pause) -> Result<Self> {
        Ok(Self {
            access: Access::open(&config.web)?,
            slot,
            health: health.clone(),
            pause: pause.clone(),
            device: device_name(&config.device),
            look: look::json(config.display.language).into(),
            palette: look::css().into(),
            minutes: Mutex::new(Minutes::new()),
            database: database_to_write(&config.statistics),
            before: tokio::sync::Mutex::default(),
            events: watch::Sender::new(Bytes::new()),
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
        })
    }

    /// Answers a request that came to the address `local`.
    pub(super) async fn answer<B: Body<Data = Bytes> + Unpin>(&self, request: Request<B>, local: IpAddr) -> Response<Answer> {
        let mut response = match self.route(request, local).await {
            Ok(response) => response,
            Err((status, why)) => refuse(status, why),
        };
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    async fn route<B: Body<Data = Bytes> + Unpin>(
        &self,
        request: Request<B>,
        local: IpAddr,
    ) -> Result<Response<Answer>, Refusal> {
        let (head, body) = request.into_parts();
        self.access.check_host(&head.uri, &head.headers, local)?;
        let path = head.uri.path();
        let page = self.page(path);
        let (is_wish, allowed): (bool, &[Method]) = match path {
            "/login" | "/pause" => (true, &[Method::POST]),
            // What never ends has no head alone.
            "/events" => (false, &[Method::GET]),
            _ if page.is_some() => (false, &[Method::GET, Method::HEAD]),
            "/today" | "/healthz" | "/metrics" => (false, &[Method::GET, Method::HEAD]),
            _ => return Err((StatusCode::NOT_FOUND, "there is no such page")),
        };
        if !allowed.contains(&head.method) {
            let names: Vec<_> = allowed.iter().map(Method::as_str).collect();
            let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, "that cannot be done here");
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_str(&names.join(", ")).expect("methods are plain letters"));
            return Ok(response);
        }
        if path != "/login"
            && page.is_none()
            && let Err(was_brought) = self.access.check_token(&head.headers)
        {
            return Ok(self.ask_for_token(was_brought).await);
        }
        if is_wish {
            check_origin(&head.headers)?;
            let wish = body::read(body).await?;
            return if path == "/login" { self.log_in(&wish).await } else { self.wish(&wish) };
        }
        if !body.is_end_stream() {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, "no body is wanted here"));
        }
        if let Some((kind, content)) = page {
            return Ok(respond(StatusCode::OK, kind, content));
        }
        match path {
            "/events" => self.listen(),
            "/today" => Ok(self.today().await),
            "/healthz" => Ok(self.condition()),
            _ => Ok(self.metrics(&head.headers)),
        }
    }

    /// A file of the page: its type and its content.
    fn page(&self, path: &str) -> Option<(&'static str, Bytes)> {
        const SCRIPT: &str = "text/javascript; charset=utf-8";
        const STYLE: &str = "text/css; charset=utf-8";
        Some(match path {
            "/" => ("text/html; charset=utf-8", Bytes::from_static(include_bytes!("page/page.html"))),
            "/page.css" => (STYLE, Bytes::from_static(include_bytes!("page/page.css"))),
            "/palette.css" => (STYLE, self.palette.clone()),
            "/page.js" => (SCRIPT, Bytes::from_static(include_bytes!("page/page.js"))),
            "/face.js" => (SCRIPT, Bytes::from_static(include_bytes!("page/face.js"))),
            "/chart.js" => (SCRIPT, Bytes::from_static(include_bytes!("page/chart.js"))),
            "/outline.js" => (SCRIPT, Bytes::from_static(include_bytes!("page/outline.js"))),
            "/look.json" => ("application/json", self.look.clone()),
            "/icon.svg" => ("image/svg+xml", Bytes::from_static(include_bytes!("page/icon.svg"))),
            _ => return None,
        })
    }

    async fn ask_for_token(&self, was_brought: bool) -> Response<Answer> {
        if was_brought {
            tokio::time::sleep(WRONG_TOKEN_TAKES).await;
        }
        let mut response = refuse(StatusCode::UNAUTHORIZED, "the token is missing or wrong");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        response
    }

    async fn log_in(&self, login: &[u8]) -> Result<Response<Answer>, Refusal> {
        let Login { token } =
            serde_json::from_slice(login).map_err(|_| (StatusCode::BAD_REQUEST, "{\"token\": \"…\"} is wanted"))?;
        if !self.access.wants_token() {
            return Ok(respond(StatusCode::NO_CONTENT, "text/plain", Bytes::new()));
        }
        let Some(cookie) = self.access.log_in(&token) else { return Ok(self.ask_for_token(true).await) };
        let mut response = respond(StatusCode::NO_CONTENT, "text/plain", Bytes::new());
        response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_str(&cookie).expect("a cookie is plain letters"));
        Ok(response)
    }

    fn wish(&self, wish: &[u8]) -> Result<Response<Answer>, Refusal> {
        let Wish { paused } = serde_json::from_slice(wish)
            .map_err(|_| (StatusCode::BAD_REQUEST, "{\"paused\": true} or {\"paused\": false} is wanted"))?;
        self.pause.ask(paused);
        if !paused && self.pause.is_on() {
            return Err((StatusCode::CONFLICT, "the privacy switch keeps the camera closed"));
        }
        Ok(json(StatusCode::OK, &serde_json::json!({ "paused": paused })))
    }

    fn listen(&self) -> Result<Response<Answer>, Refusal> {
        let permit = Arc::clone(&self.streams).try_acquire_owned();
        let permit = permit.map_err(|_| (StatusCode::TOO_MANY_REQUESTS, "too many pages are open"))?;
        self.events.send_replace(self.event());
        let mut response = Response::new(Answer::Events(WatchStream::new(self.events.subscribe()), permit));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        Ok(response)
    }

    async fn today(&self) -> Response<Answer> {
        let before = self.rows_before().await;
        let sums = self.slot.read().0.counts.expressions;
        json(StatusCode::OK, &self.minutes().today(sums, before.as_deref()))
    }

    /// What the database has of today; none if there is none, or it cannot be read just now.
    async fn rows_before(&self) -> Option<Arc<Before>> {
        let database = self.database.clone()?;
        let mut kept = self.before.lock().await;
        if let Some((read_at, before)) = &*kept
            && read_at.elapsed() < ROWS_ARE_FRESH
        {
            return Some(Arc::clone(before));
        }
        let range = self.minutes().before()?;
        // A slow card must not hold up the others' answers.
        let read = tokio::task::spawn_blocking(move || Before::read(&database, range)).await.ok()?;
        let before = Arc::new(read.inspect_err(|error| log::debug!("the page does without the database: {error:#}")).ok()?);
        *kept = Some((Instant::now(), Arc::clone(&before)));
        Some(before)
    }

    fn condition(&self) -> Response<Answer> {
        let (now, reason) = self.slot.read();
        let trouble = trouble(&now, &reason);
        let (code, status) = match (&trouble, now.sight) {
            (Some(_), _) => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
            (None, Sight::Paused) => (StatusCode::OK, "paused"),
            (None, _) => (StatusCode::OK, "ok"),
        };
        json(code, &Condition { status, reason: trouble.unwrap_or_default(), health: &self.health.snapshot() })
    }

    fn metrics(&self, headers: &header::HeaderMap) -> Response<Answer> {
        let text = metrics::open_metrics(&self.slot, &self.health);
        let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if accepted.contains("application/openmetrics-text") {
            respond(StatusCode::OK, metrics::OPEN_METRICS, text.into())
        } else {
            respond(StatusCode::OK, metrics::CLASSIC, metrics::classic(&text).into())
        }
    }

    /// Tells the open pages what changes, for ever, and keeps the minutes for the chart.
    pub(super) async fn tell(&self) {
        let mut tick = tokio::time::interval(EVENT_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut views, mut told) = (0, Instant::now());
        loop {
            tick.tick().await;
            let (now, _) = self.slot.read();
            self.minutes().note(monotonic_now(), now.counts.expressions);
            let is_news = now.views != views || told.elapsed() >= SIGN_OF_LIFE;
            if is_news && self.events.receiver_count() > 0 {
                (views, told) = (now.views, Instant::now());
                self.events.send_replace(self.event());
            }
        }
    }

    /// The newest event.
    fn event(&self) -> Bytes {
        let (now, reason) = self.slot.read();
        event::event(&self.device, &now, &reason, &self.pause, &self.health.snapshot(), &self.slot.outline())
    }

    fn minutes(&self) -> MutexGuard<'_, Minutes> {
        self.minutes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refuse(status: StatusCode, why: &str) -> Response<Answer> {
    respond(status, "text/plain; charset=utf-8", format!("{why}\n").into())
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Answer> {
    respond(status, "application/json", serde_json::to_vec(value).expect("what we say has a JSON form").into())
}

fn respond(status: StatusCode, kind: &'static str, content: Bytes) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(content));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
