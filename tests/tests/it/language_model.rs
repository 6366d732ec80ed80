//! A language model behind HTTP, as good or bad as a test wants it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How a server treats a request.
#[derive(Clone)]
pub enum Treatment {
    /// With a chat completion of this text.
    Say(String),
    /// The same, cut off at the limit of tokens.
    Breaks(String),
    /// With a status and a body.
    Status(u16, String),
    /// With these bytes, whatever they are; then it closes.
    Bytes(Vec<u8>),
    /// With a body that never ends.
    Endless,
    /// With nothing, for as long as the client waits.
    Silence,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Request line and headers.
    pub head: String,
    /// The body.
    pub body: Value,
}

#[derive(Default)]
struct Seen {
    asked: Mutex<Vec<Asked>>,
    /// Connections that the client closed before an answer was whole.
    hung_up: Mutex<usize>,
}

/// A server that treats its n-th request, from 0, as it is told to.
pub struct LanguageModel {
    port: u16,
    seen: Arc<Seen>,
    /// The certificate of one that is asked over TLS, as PEM.
    certificate: Option<String>,
}

impl LanguageModel {
    pub fn new(
        treat: impl Fn(usize, &Value) -> Treatment + Send + Sync + 'static,
    ) -> LanguageModel {
        Self::behind(None, None, treat)
    }

    /// One that is asked over TLS, with a certificate of its own for `localhost`.
    pub fn with_tls(
        treat: impl Fn(usize, &Value) -> Treatment + Send + Sync + 'static,
    ) -> LanguageModel {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Self::behind(Some(Arc::new(config)), Some(made.cert.pem()), treat)
    }

    fn behind(
        tls: Option<Arc<ServerConfig>>,
        certificate: Option<String>,
        treat: impl Fn(usize, &Value) -> Treatment + Send + Sync + 'static,
    ) -> LanguageModel {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Seen::default());
        let (treat, told) = (Arc::new(treat), seen.clone());
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (treat, seen, tls) = (treat.clone(), told.clone(), tls.clone());
                let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
                thread::spawn(move || match tls {
                    None => serve(stream, &seen, treat.as_ref()),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        let mut stream = StreamOwned::new(connection, stream);
                        serve(&mut stream, &seen, treat.as_ref());
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                    }
                });
            }
        });
        Self {
            port,
            seen,
            certificate,
        }
    }

    /// The base of its addresses.
    pub fn url(&self) -> String {
        match self.certificate {
            None => format!("http://127.0.0.1:{}/v1", self.port),
            Some(_) => format!("https://localhost:{}/v1", self.port),
        }
    }

    /// What a client must trust to ask it over TLS, as PEM.
    pub fn certificate(&self) -> &str {
        self.certificate.as_deref().expect("one with TLS")
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.seen.asked.lock().unwrap().clone()
    }

    pub fn hung_up(&self) -> usize {
        *self.seen.hung_up.lock().unwrap()
    }
}

fn serve(mut stream: impl Read + Write, seen: &Seen, treat: &dyn Fn(usize, &Value) -> Treatment) {
    let Some(asked) = request(&mut stream) else {
        return;
    };
    let number = {
        let mut all = seen.asked.lock().unwrap();
        all.push(asked.clone());
        all.len() - 1
    };
    let completion = |text: &str, reason: &str| {
        let message = json!({"role": "assistant", "content": text});
        json!({"choices": [{"index": 0, "message": message, "finish_reason": reason}]}).to_string()
    };
    // The client may be gone at any time.
    let _ = match treat(number, &asked.body) {
        Treatment::Say(text) => answer(&mut stream, 200, &completion(&text, "stop")),
        Treatment::Breaks(text) => answer(&mut stream, 200, &completion(&text, "length")),
        Treatment::Status(status, body) => answer(&mut stream, status, &body),
        Treatment::Bytes(bytes) => stream.write_all(&bytes),
        Treatment::Endless => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
            let mut outcome = stream.write_all(head.as_bytes());
            while outcome.is_ok() {
                outcome = stream.write_all(&[b' '; 65536]);
            }
            *seen.hung_up.lock().unwrap() += 1;
            outcome
        }
        Treatment::Silence => {
            if matches!(stream.read(&mut [0]), Ok(0)) {
                *seen.hung_up.lock().unwrap() += 1;
            }
            Ok(())
        }
    };
}

fn request(stream: &mut impl Read) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let named = name.eq_ignore_ascii_case("content-length");
        named.then(|| value.trim().parse::<usize>().ok())?
    })?;
    while bytes.len() < head_end + length {
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
    let body = serde_json::from_slice(&bytes[head_end..]).ok()?;
    Some(Asked { head, body })
}

fn answer(stream: &mut impl Write, status: u16, body: &str) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}
