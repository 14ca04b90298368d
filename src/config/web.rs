//! `[web]`: the page in the browser and the figures for Prometheus.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::OutOfRange;

/// `[web]`: the page in the browser and the figures for Prometheus. `docs/web.md` says how to use them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebConfig {
    /// Address and port, such as `127.0.0.1:8080`; empty: there is no page.
    pub listen: String,
    /// A file whose first line is the token that opens the page; empty: whoever reaches the address may look, which therefore must be this machine's own.
    pub token_file: PathBuf,
    /// Names by which browsers may call the device, besides `localhost` and its address.
    pub hosts: Vec<String>,
    /// Whether the page shows a coarse outline of what the camera sees, to those who have the token.
    pub preview: bool,
}

impl WebConfig {
    /// Where to listen, if anywhere.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }

    pub(super) fn check(&self) -> Result<(), OutOfRange> {
        let wrong = |key, rule: &str| Err(OutOfRange { table: "web", key, rule: rule.into() });
        if self.listen.is_empty() {
            return Ok(());
        }
        if !cfg!(feature = "web") {
            return wrong("listen", "\"\": this program was built without the page");
        }
        let Some(address) = self.address() else {
            return wrong("listen", "an address with a port such as \"127.0.0.1:8080\" or \"[::1]:8080\", or \"\"");
        };
        if !address.ip().is_loopback() && self.token_file.as_os_str().is_empty() {
            return wrong(
                "token_file",
                "a file with a token, since other machines reach this address; only 127.0.0.1 and [::1] do without",
            );
        }
        if self.preview && self.token_file.as_os_str().is_empty() {
            return wrong("preview", "false without a token_file, since only those who have the token may see outlines");
        }
        if !self.hosts.iter().all(|host| is_host_name(host)) {
            return wrong("hosts", "names such as \"kiosk.local\", without http:// and without a port");
        }
        Ok(())
    }
}

/// Letters, digits, hyphens and dots (RFC 1123, section 2.1).
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;

    fn message(text: &str) -> String {
        Config::parse(&format!("[web]\n{text}\n"), Path::new("visaged.toml")).unwrap_err().to_string()
    }

    #[test]
    fn this_machine_alone_needs_no_token_and_every_other_address_does() {
        for own in ["127.0.0.1:8080", "127.8.8.8:80", "[::1]:8080", ""] {
            assert!(Config::parse(&format!("[web]\nlisten = \"{own}\""), Path::new("")).is_ok(), "{own}");
        }
        for open in ["0.0.0.0:8080", "[::]:8080", "192.168.1.20:8080", "[fe80::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(
                message(&format!("listen = \"{open}\"")),
                "visaged.toml:1: token_file in [web] must be a file with a token, since other machines reach this address; \
                 only 127.0.0.1 and [::1] do without"
            );
            let with_token = format!("[web]\nlisten = \"{open}\"\ntoken_file = \"/etc/visaged/token\"");
            assert!(Config::parse(&with_token, Path::new("")).is_ok());
        }
    }

    #[test]
    fn outlines_are_for_those_who_have_a_token_even_on_this_machine() {
        assert_eq!(
            message("listen = \"127.0.0.1:80\"\npreview = true"),
            "visaged.toml:3: preview in [web] must be false without a token_file, since only those who have the token may see outlines"
        );
    }

    #[test]
    fn what_is_no_address_and_no_name_is_refused() {
        for listen in ["8080", "localhost:8080", "127.0.0.1", "127.0.0.1:99999", "http://127.0.0.1:80", "::1:8080"] {
            assert_eq!(
                message(&format!("listen = \"{listen}\"")),
                "visaged.toml:2: listen in [web] must be an address with a port such as \"127.0.0.1:8080\" or \"[::1]:8080\", or \"\""
            );
        }
        for host in ["http://kiosk", "kiosk:8080", "", "a..b", "-a", "kiosk/"] {
            assert_eq!(
                message(&format!("listen = \"127.0.0.1:80\"\nhosts = [\"kiosk.local\", \"{host}\"]")),
                "visaged.toml:3: hosts in [web] must be names such as \"kiosk.local\", without http:// and without a port"
            );
        }
    }
}
