//! Encryption of connections, with the certificate of `[query.tls]`.

use std::{fs, path::Path, sync::Arc};

pub(crate) use datafusion_postgres::pgwire::tokio::TlsAcceptor as Acceptor;
use datafusion_postgres::pgwire::tokio::tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{Error, config::Tls};

/// What encrypts connections.
///
/// # Errors
/// Files that cannot be read or do not belong together.
pub(crate) fn acceptor(tls: &Tls) -> Result<Acceptor, Error> {
    let (certificate, key) = tls.read()?;
    let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&certificate).collect();
    let chain = chain.map_err(|error| tls.unusable(&error))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| tls.unusable(&error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| tls.unusable(&error))?;
    Ok(Acceptor::from(Arc::new(config)))
}

impl Tls {
    /// Certificate and key as they are in their files.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn read(&self) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let read = |file: &Path| {
            fs::read(file).map_err(|error| Error::Tls { file: file.display().to_string(), reason: error.to_string() })
        };
        Ok((read(&self.certificate)?, read(&self.key)?))
    }

    /// They were read and are no certificate with its key.
    pub(crate) fn unusable(&self, error: &dyn std::error::Error) -> Error {
        let file = format!("{} and {}", self.certificate.display(), self.key.display());
        Error::Tls { file, reason: error.to_string() }
    }
}
