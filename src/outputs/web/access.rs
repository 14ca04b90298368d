//! Who may ask: the name that a browser calls the device by, the token, and whether a wish comes from the page itself.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hyper::header::{AUTHORIZATION, AsHeaderName, CONTENT_TYPE, COOKIE, HOST, HeaderMap, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{StatusCode, Uri};
use sha2::{Digest, Sha256};

use crate::config::WebConfig;

/// The name of the cookie that stands for the token.
const COOKIE_NAME: &str = "visaged";

/// A shorter token could be guessed.
const SHORTEST_TOKEN: usize = 16;

/// Why a request is not answered: the status and a line for people.
pub(super) type Refusal = (StatusCode, &'static str);

/// Who may ask.
#[derive(Debug)]
pub(super) struct Access {
    hosts: Vec<String>,
    secrets: Option<Secrets>,
}

/// What the token is recognised by; the token itself is not kept.
#[derive(Debug)]
struct Secrets {
    token: [u8; 32],
    /// Made from the token, so that it outlives a restart and ends with the token.
    cookie: String,
}

impl Access {
    /// Reads the token's file, if there is one.
    ///
    /// # Errors
    /// If it cannot be read or its first line is no token.
    pub(super) fn open(config: &WebConfig) -> Result<Self> {
        let path = &config.token_file;
        let secrets = if path.as_os_str().is_empty() { None } else { Some(read_token(path)?) };
        Ok(Self { hosts: config.hosts.clone(), secrets })
    }

    /// Whether a token is asked for.
    pub(super) fn wants_token(&self) -> bool {
        self.secrets.is_some()
    }

    /// Checks that the request is meant for this device: a page on the Internet whose name suddenly leads here (DNS rebinding) calls it by that name.
    /// Addresses cannot be led astray, so the one that the connection came to will do, and so will those of the machine itself.
    ///
    /// # Errors
    /// With 400 for what is no name, 421 for a name of somebody else.
    pub(super) fn check_host(&self, uri: &Uri, headers: &HeaderMap, local: IpAddr) -> Result<(), Refusal> {
        let named = only(headers, HOST)
            .and_then(|host| host.parse::<Authority>().ok())
            .ok_or((StatusCode::BAD_REQUEST, "there must be one Host header with a name or an address"))?;
        for authority in [Some(&named), uri.authority()].into_iter().flatten() {
            if authority.as_str().contains('@') || (authority.as_str() != authority.host() && authority.port().is_none()) {
                return Err((StatusCode::BAD_REQUEST, "the Host header must be a name or an address"));
            }
            if !self.knows(authority.host(), local) {
                return Err((
                    StatusCode::MISDIRECTED_REQUEST,
                    "this device does not go by that name; hosts in [web] of its configuration names those that it has",
                ));
            }
        }
        Ok(())
    }

    fn knows(&self, host: &str, local: IpAddr) -> bool {
        if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            return address.is_loopback() || address == local.to_canonical() || self.lists(host);
        }
        host.eq_ignore_ascii_case("localhost") || self.lists(host)
    }

    fn lists(&self, host: &str) -> bool {
        self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host.trim_end_matches('.')))
    }

    /// Whether the request brings the token, as a bearer or by the cookie, or none is asked for.
    ///
    /// # Errors
    /// With 401; the flag says whether something was brought, and was wrong.
    pub(super) fn check_token(&self, headers: &HeaderMap) -> Result<(), bool> {
        let Some(secrets) = &self.secrets else { return Ok(()) };
        let bearer = only(headers, AUTHORIZATION).and_then(|value| value.split_once(' '));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let cookie = cookies.flat_map(|value| value.split(';')).find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (name.trim() == COOKIE_NAME).then(|| value.trim())
        });
        let is_right = bearer.is_some_and(|token| secrets.is_token(token))
            || cookie.is_some_and(|cookie| are_equal(cookie.as_bytes(), secrets.cookie.as_bytes()));
        if is_right { Ok(()) } else { Err(bearer.is_some()) }
    }

    /// Exchanges the token for a cookie, for `Set-Cookie`; none if it is wrong. No script can read it, and no other site's page can make a browser send it.
    pub(super) fn log_in(&self, token: &str) -> Option<String> {
        const DAYS_90: u32 = 90 * 86_400;
        let secrets = self.secrets.as_ref()?;
        let value = &secrets.cookie;
        secrets
            .is_token(token.trim())
            .then(|| format!("{COOKIE_NAME}={value}; Path=/; Max-Age={DAYS_90}; HttpOnly; SameSite=Strict"))
    }
}

impl Secrets {
    fn is_token(&self, token: &str) -> bool {
        are_equal(&digest("token", token), &self.token)
    }
}

/// Checks that a wish comes from our own page, or from a program: a foreign page cannot have a browser send JSON without being allowed to, and nothing allows
/// it; and browsers say whose page asks.
///
/// # Errors
/// With 415 or 403.
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_json = only(headers, CONTENT_TYPE)
        .is_some_and(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json"));
    if !is_json {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json"));
    }
    let is_own = |origin: &str| {
        let host = only(headers, HOST);
        origin.split_once("://").is_some_and(|(_, name)| host.is_some_and(|host| host.eq_ignore_ascii_case(name)))
    };
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin")
        || (headers.contains_key(ORIGIN) && !only(headers, ORIGIN).is_some_and(is_own))
    {
        return Err((StatusCode::FORBIDDEN, "only the page itself may ask for that"));
    }
    Ok(())
}

/// The value of a header that must be there once, in readable letters.
fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).into_iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

fn read_token(path: &Path) -> Result<Secrets> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the token in {}", path.display()))?;
    let token = text.lines().next().unwrap_or_default().trim();
    ensure!(
        token.len() >= SHORTEST_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic()),
        "{}: the first line must be a token of {SHORTEST_TOKEN} letters and digits at least, without spaces (openssl rand -hex 16 makes one)",
        path.display()
    );
    let cookie = digest("cookie", token).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Secrets { token: digest("token", token), cookie })
}

fn digest(purpose: &str, token: &str) -> [u8; 32] {
    Sha256::new().chain_update("visaged ").chain_update(purpose).chain_update([0]).chain_update(token).finalize().into()
}

/// Compares in a time that does not tell where two differ.
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 1, 20));
    const TOKEN: &str = "correct-horse-battery";

    fn access(hosts: &[&str]) -> Access {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, format!("{TOKEN}\n")).unwrap();
        let hosts = hosts.iter().map(ToString::to_string).collect();
        Access::open(&WebConfig { token_file: path, hosts, ..WebConfig::default() }).unwrap()
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
    }

    fn status_for(uri: &str, pairs: &[(&'static str, &str)]) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        let checked = access(&["Kiosk.local"]).check_host(&uri.parse().unwrap(), &map, LOCAL);
        checked.map_or_else(|(status, _)| status.as_u16(), |()| 200)
    }

    #[test]
    fn the_device_goes_by_its_address_its_own_names_and_no_other() {
        for host in [
            "192.168.1.20",
            "192.168.1.20:8080",
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:8080",
            "[::1]:8080",
            "kiosk.local:80",
            "kiosk.local.",
        ] {
            assert_eq!(status_for("/", &[("host", host)]), 200, "{host}");
        }
        for host in ["evil.example", "192.168.1.21", "localhost.evil.example", "xkiosk.local", "[fe80::1]", "0.0.0.0"] {
            assert_eq!(status_for("/", &[("host", host)]), 421, "{host}");
        }
        for host in [
            "",
            "a b",
            "me@localhost",
            "localhost:",
            "localhost:99999",
            "localhost:-1",
            "http://localhost",
            "localhost/x",
            "[::1",
        ] {
            assert_eq!(status_for("/", &[("host", host)]), 400, "{host}");
        }
        assert_eq!(status_for("/", &[]), 400);
        assert_eq!(status_for("/", &[("host", "localhost"), ("host", "localhost")]), 400);
        assert_eq!(status_for("http://evil.example/", &[("host", "localhost")]), 421);
        assert_eq!(status_for("http://localhost/", &[("host", "localhost")]), 200);
    }

    #[test]
    fn the_token_opens_as_a_bearer_and_its_cookie_too_and_nothing_else_does() {
        let access = access(&[]);
        let bearer = |token: &str| access.check_token(&headers(&[("authorization", &format!("Bearer {token}"))]));
        assert_eq!(bearer(TOKEN), Ok(()));
        for wrong in ["", "correct-horse-batterx", "correct-horse-batter", "correct-horse-battery2"] {
            assert_eq!(bearer(wrong), Err(true), "{wrong}");
        }
        assert_eq!(access.check_token(&HeaderMap::new()), Err(false));
        assert_eq!(access.log_in("wrong"), None);
        let set = access.log_in(TOKEN).unwrap();
        assert!(set.ends_with("; HttpOnly; SameSite=Strict") && !set.contains(TOKEN), "{set}");
        let cookie = set.split(';').next().unwrap();
        assert_eq!(access.check_token(&headers(&[("cookie", &format!("a=b; {cookie}"))])), Ok(()));
        assert_eq!(access.check_token(&headers(&[("cookie", "visaged=0")])), Err(false));
        assert_eq!(access.check_token(&headers(&[("cookie", &format!("visaged={TOKEN}"))])), Err(false));
    }

    #[test]
    fn a_file_without_a_real_token_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let message = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let config = WebConfig { token_file: path.clone(), ..WebConfig::default() };
            format!("{:#}", Access::open(&config).unwrap_err())
        };
        for text in ["", "short", "two words are not allowed here", "geheimes-Wört-lang-genug"] {
            assert!(message(text).contains("the first line must be a token of 16 letters"), "{text}");
        }
        let config = WebConfig { token_file: folder.path().join("none"), ..WebConfig::default() };
        assert!(format!("{:#}", Access::open(&config).unwrap_err()).contains("none: No such file"));
    }

    #[test]
    fn a_wish_is_heard_from_the_page_itself_and_from_programs_and_not_from_other_pages() {
        let status =
            |pairs: &[(&'static str, &str)]| check_origin(&headers(pairs)).map_or_else(|(status, _)| status.as_u16(), |()| 200);
        let (host, json) = (("host", "kiosk.local:8080"), ("content-type", "application/json"));
        assert_eq!(status(&[host, json]), 200);
        assert_eq!(status(&[host, json, ("origin", "http://kiosk.local:8080"), ("sec-fetch-site", "same-origin")]), 200);
        assert_eq!(status(&[host, ("content-type", "text/plain")]), 415);
        assert_eq!(status(&[host]), 415);
        for origin in ["http://evil.example", "null", "http://kiosk.local", "http://kiosk.local:8080.evil.example"] {
            assert_eq!(status(&[host, json, ("origin", origin)]), 403, "{origin}");
        }
        for site in ["cross-site", "same-site", "none"] {
            assert_eq!(status(&[host, json, ("sec-fetch-site", site)]), 403, "{site}");
        }
    }
}
