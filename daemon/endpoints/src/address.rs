//! Where an endpoint is.

use std::net::IpAddr;

use hyper::Uri;

use crate::error::SettingError;

/// The base of an endpoint's addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub secure: bool,
    /// Without brackets.
    pub host: String,
    pub port: u16,
    /// Begins with a slash and does not end with one; or empty.
    path: String,
}

impl Address {
    pub fn parse(url: &str) -> Result<Self, SettingError> {
        let fault = |reason| SettingError::Url {
            url: shown(url),
            reason,
        };
        let uri: Uri = url.trim().parse().map_err(|_| fault("it is no URL"))?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(fault("it begins with neither http:// nor https://")),
        };
        let authority = uri.authority().ok_or_else(|| fault("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(fault(
                "a user or key does not belong into it: name a key file or variable",
            ));
        }
        if uri.query().is_some() {
            return Err(fault("it has a query"));
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        if host.is_empty() {
            return Err(fault("it names no host"));
        }
        let path = uri.path().trim_end_matches('/');
        let path = path.strip_suffix("/chat/completions").unwrap_or(path);
        Ok(Self {
            secure,
            host: host.to_owned(),
            port: authority
                .port_u16()
                .unwrap_or(if secure { 443 } else { 80 }),
            path: path.to_owned(),
        })
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        let named = self.host.eq_ignore_ascii_case("localhost");
        named || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }

    /// Host and port, as a `Host` header has them.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        let usual = if self.secure { 443 } else { 80 };
        if self.port == usual {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }

    /// The path of a method under the base.
    pub fn path(&self, method: &str) -> String {
        format!("{}/{method}", self.path)
    }
}

/// An address without what may be a secret in it.
pub(crate) fn shown(url: &str) -> String {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if scheme.is_empty() {
        format!("{host}{path}")
    } else {
        format!("{scheme}://{host}{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let address = Address::parse("http://127.0.0.1:8080/v1/").expect("an address");
        assert_eq!(
            (address.authority(), address.path("chat/completions")),
            (
                "127.0.0.1:8080".to_owned(),
                "/v1/chat/completions".to_owned()
            )
        );
        assert!(address.is_loopback() && !address.secure);
        let address = Address::parse("https://example.org").expect("an address");
        assert_eq!(
            (address.port, address.path("models"), address.authority()),
            (443, "/models".to_owned(), "example.org".to_owned())
        );
        let address = Address::parse("http://[::1]:11434/v1/chat/completions").expect("an address");
        assert_eq!(
            (
                address.host.as_str(),
                address.authority(),
                address.path("x")
            ),
            ("::1", "[::1]:11434".to_owned(), "/v1/x".to_owned())
        );
    }

    #[test]
    fn what_is_no_address_is_refused_and_shows_no_secret() {
        for url in [
            "",
            "127.0.0.1:8080",
            "ftp://host/",
            "http://",
            "file:///etc/passwd",
            "http://a b/",
            "https://key@host/v1",
            "http://host/?key=1",
        ] {
            let error = Address::parse(url).expect_err(url);
            assert!(
                !error.to_string().contains("key@") && !error.to_string().contains("key=1"),
                "{error}"
            );
        }
    }
}
