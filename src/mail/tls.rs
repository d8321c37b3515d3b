//! The one place that builds TLS client settings: the ring provider, the system's certificates
//! (or those `SSL_CERT_FILE` names), and a variant for servers with a certificate nobody vouches for.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::error::{Error, Result};

/// What a TLS client connection starts from. With `accept_invalid_certs` the connection is encrypted but
/// the other side is whoever answered: expired, self-signed and foreign certificates all pass.
///
/// Fails only when the system has no certificate authorities at all.
pub fn connector(accept_invalid_certs: bool) -> Result<TlsConnector> {
    static CHECKED: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    static UNCHECKED: OnceLock<Arc<ClientConfig>> = OnceLock::new();

    let (cached, build): (_, fn() -> Result<ClientConfig>) =
        if accept_invalid_certs { (&UNCHECKED, unchecked) } else { (&CHECKED, checked) };
    let config = match cached.get() {
        Some(config) => config.clone(),
        // A failure is not remembered: certificates may be installed while we run.
        None => {
            let config = Arc::new(build()?);
            cached.get_or_init(|| config).clone()
        }
    };
    Ok(TlsConnector::from(config))
}

fn checked() -> Result<ClientConfig> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(Error::Unavailable(
            "this system has no certificate authorities; install ca-certificates or set SSL_CERT_FILE"
                .to_owned(),
        ));
    }
    Ok(builder()?.with_root_certificates(roots).with_no_client_auth())
}

fn unchecked() -> Result<ClientConfig> {
    let verifier = AnyCertificate(Arc::new(ring::default_provider()));
    Ok(builder()?.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::internal)
}

/// Accepts any certificate, but the peer must still prove that it holds the certificate's key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
