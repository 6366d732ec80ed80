//! One HTTP request over a connection of its own.

use std::sync::{Arc, OnceLock};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT,
};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::address::Address;
use crate::error::EndpointError;
use crate::key::Key;

/// The longest answer, bytes.
const MOST_ANSWER: usize = 1 << 20;

/// What a server answered.
pub(crate) struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Posts JSON. Dropped before its end, it closes the connection.
pub(crate) async fn post(
    address: &Address,
    method: &str,
    key: Option<&Key>,
    body: Vec<u8>,
) -> Result<Answer, EndpointError> {
    let request = request(address, method, key, body)?;
    let host = address.authority();
    let connected = TcpStream::connect((address.host.as_str(), address.port)).await;
    let stream = connected.map_err(|source| EndpointError::Connect {
        host: host.clone(),
        source,
    })?;
    if !address.secure {
        return exchange(stream, request).await;
    }
    let tls = |reason: String| EndpointError::Tls {
        host: host.clone(),
        reason,
    };
    // Reading the system's certificates takes a moment and reads files.
    let config = tokio::task::spawn_blocking(certificates)
        .await
        .map_err(|error| tls(error.to_string()))?;
    let config = config.map_err(tls)?;
    let name =
        ServerName::try_from(address.host.clone()).map_err(|error| tls(error.to_string()))?;
    let connecting = TlsConnector::from(config).connect(name, stream).await;
    let stream = connecting.map_err(|error| tls(error.to_string()))?;
    exchange(stream, request).await
}

fn request(
    address: &Address,
    method: &str,
    key: Option<&Key>,
    body: Vec<u8>,
) -> Result<Request<Full<Bytes>>, EndpointError> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(address.path(method))
        .header(HOST, address.authority())
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json")
        .header(CONNECTION, "close")
        .header(
            USER_AGENT,
            concat!("framewright/", env!("CARGO_PKG_VERSION")),
        );
    if let Some(key) = key {
        let value = HeaderValue::try_from(format!("Bearer {}", key.reveal()));
        let mut value = value.map_err(|_| EndpointError::Key {
            reason: "it cannot be sent".to_owned(),
        })?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    request
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| broken(&error))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answer, EndpointError> {
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| broken(&error))?;
    // Ends with this function, however that ends.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| broken(&error))?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), MOST_ANSWER)
        .collect()
        .await;
    let body = body.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            EndpointError::TooLong { most: MOST_ANSWER }
        } else {
            EndpointError::Broken {
                reason: error.to_string(),
            }
        }
    })?;
    Ok(Answer {
        status,
        body: body.to_bytes().to_vec(),
    })
}

fn broken(error: &dyn std::error::Error) -> EndpointError {
    let mut reason = error.to_string();
    if let Some(source) = error.source() {
        reason = format!("{reason}: {source}");
    }
    EndpointError::Broken { reason }
}

/// The system's certificates, read once.
fn certificates() -> Result<Arc<ClientConfig>, String> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reason = found
            .errors
            .first()
            .map_or_else(|| "none are installed".to_owned(), ToString::to_string);
        return Err(format!(
            "the system's certificates cannot be used: {reason}"
        ));
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(CONFIG.get_or_init(|| Arc::new(config)).clone())
}
