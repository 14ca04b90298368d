//! An encrypted connection to a broker that proves who it is. Nothing here lets one skip the proof.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, crypto};

/// Trusts the authorities in the PEM file `ca`, or for an empty path those of the system.
///
/// # Errors
/// If there is no file, or no authority in it.
pub(super) fn config(ca: &Path) -> Result<Arc<ClientConfig>> {
    let mut authorities = RootCertStore::empty();
    if ca.as_os_str().is_empty() {
        // Among the hundred and more of a system one may be odd; what is left must do.
        authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        ensure!(
            !authorities.is_empty(),
            "the system trusts nobody: install the package ca-certificates, or name a file with ca in [mqtt]"
        );
    } else {
        let pem = std::fs::read(ca).with_context(|| format!("cannot read {}", ca.display()))?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.ok().with_context(|| format!("{} is no PEM file", ca.display()))?;
            authorities.add(certificate).with_context(|| format!("{}: no certificate of an authority", ca.display()))?;
        }
        ensure!(!authorities.is_empty(), "{}: no certificate in it", ca.display());
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.context("ring knows no TLS version")?.with_root_certificates(authorities);
    Ok(Arc::new(builder.with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_authority_is_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let message = |text: &str| {
            std::fs::write(folder.path().join("ca.pem"), text).unwrap();
            let error = config(&folder.path().join("ca.pem")).unwrap_err();
            format!("{error:#}").replace(folder.path().to_str().unwrap(), "")
        };
        assert_eq!(message(""), "/ca.pem: no certificate in it");
        assert_eq!(message("-----BEGIN CERTIFICATE-----\nnonsense\n"), "/ca.pem is no PEM file");
        let garbage = message("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assert!(garbage.starts_with("/ca.pem: no certificate of an authority"), "{garbage}");
        let missing = format!("{:#}", config(&folder.path().join("none")).unwrap_err());
        assert!(missing.contains("cannot read") && missing.contains("No such file"), "{missing}");
    }
}
