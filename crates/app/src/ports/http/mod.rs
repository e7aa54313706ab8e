//! The port to other people's web servers: webhooks, gateways of short messages,
//! push services. One POST, no redirects, no proxy of the environment, and by
//! default only to public addresses: the address that was judged is the one
//! that is dialled.

mod address;
mod resolver;

use std::{sync::Arc, time::Duration};

pub use address::is_public;
use reqwest::{
    Client, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use tokio::time::Instant;
use url::Host;

use self::resolver::{Private, Resolver};

/// What a request may do.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// For all of it: name, connection, TLS, request, the answer's body.
    pub timeout: Duration,
    /// Also addresses that are not public, and `http:` without TLS. For
    /// development, and for gateways on this machine that an operator named.
    pub allow_private: bool,
    /// Bytes of the answer's body that are read; the rest is left unread.
    pub max_body: usize,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status, redirects included.
    pub status: u16,
    /// The headers, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body, cut at [`Policy::max_body`].
    pub body: Vec<u8>,
    /// From the call to the last byte that was read.
    pub took: Duration,
}

impl Reply {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// 200 to 299.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// Why there is no answer. The words are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The URL is none that may be asked: another scheme, a password in it.
    BadUrl,
    /// The address is private or special, or `http:` where TLS is asked for.
    Private,
    /// No answer in time.
    Timeout,
    /// No connection: no such name, refused, TLS that does not hold.
    Connect,
    /// The connection broke off.
    Broken,
}

impl Fault {
    /// A stable word for rows and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadUrl => "bad_url",
            Self::Private => "private_address",
            Self::Timeout => "timeout",
            Self::Connect => "no_connection",
            Self::Broken => "connection_broke",
        }
    }
}

/// The way to other servers. Cheap to clone.
#[derive(Clone)]
pub struct Http(Arc<Clients>);

struct Clients {
    public: Client,
    any: Client,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    /// The way out.
    ///
    /// # Errors
    /// A sentence when this machine's TLS cannot be set up.
    pub fn new() -> Result<Self, String> {
        let client = |resolver: Resolver| {
            let builder = Client::builder()
                .dns_resolver(Arc::new(resolver))
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .user_agent(concat!("Bedside/", env!("CARGO_PKG_VERSION")))
                .pool_idle_timeout(Duration::from_secs(30))
                .pool_max_idle_per_host(16);
            builder.build().map_err(|error| format!("outgoing HTTP cannot be set up: {error}"))
        };
        Ok(Self(Arc::new(Clients {
            public: client(Resolver { allow_private: false })?,
            any: client(Resolver { allow_private: true })?,
        })))
    }

    /// May this URL be asked at all? Names are judged again when they are
    /// resolved.
    ///
    /// # Errors
    /// [`Fault::BadUrl`], [`Fault::Private`].
    pub fn check(url: &str, allow_private: bool) -> Result<(), Fault> {
        target(url, allow_private).map(drop)
    }

    /// Posts a body. Every status is an answer, a redirect too.
    ///
    /// # Errors
    /// A [`Fault`].
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
        policy: Policy,
    ) -> Result<Reply, Fault> {
        let url = target(url, policy.allow_private)?;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).map_err(|_| Fault::BadUrl)?;
            map.insert(name, HeaderValue::try_from(value).map_err(|_| Fault::BadUrl)?);
        }
        let client = if policy.allow_private { &self.0.any } else { &self.0.public };
        let begun = Instant::now();
        let asked = async {
            let mut response =
                client.post(url).headers(map).body(body).send().await.map_err(|error| fault(&error))?;
            let named = |(name, value): (&HeaderName, &HeaderValue)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            };
            let (status, headers) =
                (response.status().as_u16(), response.headers().iter().map(named).collect());
            let mut read = Vec::new();
            while read.len() < policy.max_body {
                // The status is what counts: a body that breaks off is what was read of it.
                let Ok(Some(chunk)) = response.chunk().await else { break };
                let room = policy.max_body - read.len();
                read.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
            Ok(Reply { status, headers, body: read, took: begun.elapsed() })
        };
        tokio::time::timeout(policy.timeout, asked).await.unwrap_or(Err(Fault::Timeout))
    }
}

/// The URL, unless it is none of ours. An address in the URL never comes to the
/// resolver, so it is judged here.
fn target(text: &str, allow_private: bool) -> Result<Url, Fault> {
    let url = Url::parse(text).map_err(|_| Fault::BadUrl)?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        "http" => return Err(Fault::Private),
        _ => return Err(Fault::BadUrl),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::BadUrl);
    }
    let public = match url.host().ok_or(Fault::BadUrl)? {
        Host::Ipv4(address) => is_public(address.into()),
        Host::Ipv6(address) => is_public(address.into()),
        Host::Domain(_) => true,
    };
    if public || allow_private { Ok(url) } else { Err(Fault::Private) }
}

fn fault(error: &reqwest::Error) -> Fault {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(found) = cause {
        if found.is::<Private>() {
            return Fault::Private;
        }
        cause = found.source();
    }
    if error.is_connect() { Fault::Connect } else { Fault::Broken }
}
