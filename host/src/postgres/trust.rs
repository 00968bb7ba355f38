//! Which certificates of servers the host trusts.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{address::Roots, error::PostgresError};

/// The file with the authorities that this machine trusts.
pub(super) fn system_file() -> Option<PathBuf> {
    openssl_probe::probe().cert_file
}

/// Makes connections that take the certificates of these authorities only.
pub(super) fn connector(roots: &Roots) -> Result<MakeRustlsConnect, PostgresError> {
    let file = match roots {
        Roots::File(file) => file.clone(),
        Roots::System => system_file().ok_or(PostgresError::NoRoots)?,
    };
    let unreadable = |reason: String| PostgresError::Roots {
        file: file.clone(),
        reason,
    };
    let mut store = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(&file).map_err(|error| unreadable(error.to_string()))?;
    // Some authorities of the system may be of a kind that rustls does not know. The others serve.
    store.add_parsable_certificates(certificates.filter_map(Result::ok));
    if store.is_empty() {
        return Err(unreadable("it has no certificate in the format PEM".to_owned()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions();
    let config = config.map_err(|error| unreadable(error.to_string()))?;
    Ok(MakeRustlsConnect::new(
        config.with_root_certificates(store).with_no_client_auth(),
    ))
}
