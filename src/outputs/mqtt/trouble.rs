//! Why there is no connection, in one line with what helps.

use std::fs;
use std::io;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError, TlsError};

/// Errors of the system that mean that somebody forbids the network: no permission (1, 13), no such kind of address (97), no such address here (99), no
/// way there (101).
const FORBIDDEN: [i32; 5] = [1, 13, 97, 99, 101];

const NO_NETWORK: &str = " (as a service visaged has no network until the drop-in network-lan.conf, or network-loopback.conf for a broker on this \
                          machine, opens it: see /usr/share/visaged/drop-ins)";

const WHO_IS_IT: &str =
    " (is ca in [mqtt] the authority that signed the broker's certificate, and does that name the broker as [mqtt] does?)";

/// What happened.
pub(super) fn explain(error: &ConnectionError) -> String {
    match error {
        ConnectionError::Io(error) => explain_io(error),
        ConnectionError::Tls(TlsError::Io(error)) => explain_tls(error),
        ConnectionError::Tls(TlsError::DNSName(_)) => "the broker's name can be in no certificate".into(),
        ConnectionError::MqttState(StateError::Io(error)) => error.to_string(),
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            "the broker closes the connection (does it want TLS, or does another device have the same id?)".into()
        }
        ConnectionError::MqttState(StateError::AwaitPingResp)
        | ConnectionError::NetworkTimeout
        | ConnectionError::FlushTimeout => "the broker does not answer".into(),
        ConnectionError::ConnectionRefused(ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized) => {
            "the broker refuses us (are user and password_file in [mqtt] right?)".into()
        }
        ConnectionError::ConnectionRefused(code) => format!("the broker refuses us: {code:?}"),
        ConnectionError::MqttState(error) => format!("the broker does not speak MQTT as it should: {error}"),
        error => error.to_string(),
    }
}

fn explain_tls(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_)) => format!("{error}{WHO_IS_IT}"),
        // A broker that does not hangs up at once, or answers in the clear.
        Some(rustls::Error::InvalidMessage(_)) | None => format!("{error} (does the broker speak TLS on this port?)"),
        Some(_) => format!("TLS: {error}"),
    }
}

fn explain_io(error: &io::Error) -> String {
    let devices = fs::read_to_string("/proc/net/dev").unwrap_or_default();
    let forbidden = error.raw_os_error().is_some_and(|code| FORBIDDEN.contains(&code)) || has_only_loopback(&devices);
    format!("{error}{}", if forbidden { NO_NETWORK } else { "" })
}

/// Whether the kernel's table of network devices has none but the one that leads back: `PrivateNetwork=yes`, or a cable that is missing altogether.
fn has_only_loopback(devices: &str) -> bool {
    let mut names = devices.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim());
    names.next() == Some("lo") && names.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_without_a_network_is_told_which_drop_in_opens_it() {
        // EAFNOSUPPORT is what RestrictAddressFamilies= answers, EPERM what IPAddressDeny= answers, ENETUNREACH what PrivateNetwork= answers.
        for code in [97, 1, 101] {
            let text = explain(&ConnectionError::Io(io::Error::from_raw_os_error(code)));
            assert!(text.contains("network-lan.conf"), "{text}");
        }
        // As `cat /proc/net/dev` prints it in `unshare -n`.
        let head = "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs\n";
        assert!(has_only_loopback(&format!("{head}    lo:       0       0    0\n")));
        assert!(!has_only_loopback(&format!("{head}    lo:       0       0    0\n  eth0:  1       0    0\n")));
        assert!(!has_only_loopback(""));
    }

    #[test]
    fn a_refusal_names_what_to_look_at() {
        let refused = |code| explain(&ConnectionError::ConnectionRefused(code));
        assert!(refused(ConnectReturnCode::NotAuthorized).contains("password_file"));
        assert!(refused(ConnectReturnCode::BadUserNamePassword).contains("password_file"));
        assert_eq!(refused(ConnectReturnCode::ServiceUnavailable), "the broker refuses us: ServiceUnavailable");
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let tls = explain(&ConnectionError::Tls(TlsError::Io(io::Error::new(io::ErrorKind::InvalidData, unknown))));
        assert!(tls.starts_with("invalid peer certificate: UnknownIssuer (is ca in [mqtt]"), "{tls}");
    }
}
