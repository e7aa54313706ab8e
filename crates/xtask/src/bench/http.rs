//! A small blocking HTTP/1.1 client over one kept connection. Load is made on
//! the same cores as the server, so the client must cost next to nothing.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// One connection to the server under test.
pub struct Connection {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

/// Headers of a caller, as the API wants them.
#[derive(Clone, Debug, Default)]
pub struct Credentials(pub Vec<(&'static str, String)>);

impl Connection {
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream: BufReader::new(stream), address })
    }

    /// The status of a GET.
    pub fn status(&mut self, path: &str) -> Result<u16> {
        Ok(self.exchange("GET", path, &Credentials::default(), "")?.0)
    }

    /// `data` of a GET; anything but a 200 is an error.
    pub fn get(&mut self, path: &str, who: &Credentials) -> Result<Value> {
        let (status, answer) = self.exchange("GET", path, who, "")?;
        if status != 200 {
            bail!("GET {path} answered {status}: {}", String::from_utf8_lossy(&answer));
        }
        let mut answer: Value = serde_json::from_slice(&answer)?;
        Ok(answer["data"].take())
    }

    /// POSTs JSON and returns `data` of the answer; anything but a 200 is an error.
    pub fn post(&mut self, path: &str, who: &Credentials, body: &Value) -> Result<Value> {
        let (status, answer) = self.exchange("POST", path, who, &body.to_string())?;
        if status != 200 {
            bail!("POST {path} answered {status}: {}", String::from_utf8_lossy(&answer));
        }
        let mut answer: Value = serde_json::from_slice(&answer)?;
        Ok(answer["data"].take())
    }

    /// The body of a GET, unread: a large one costs the client next to nothing.
    pub fn read(&mut self, path: &str, who: &Credentials) -> Result<Vec<u8>> {
        let (status, answer) = self.exchange("GET", path, who, "")?;
        if status != 200 {
            bail!("GET {path} answered {status}: {}", String::from_utf8_lossy(&answer));
        }
        Ok(answer)
    }

    /// POSTs JSON and returns the whole answer, also a refusal.
    pub fn try_post(&mut self, path: &str, who: &Credentials, body: &Value) -> Result<(u16, Value)> {
        let (status, answer) = self.exchange("POST", path, who, &body.to_string())?;
        Ok((status, serde_json::from_slice(&answer)?))
    }

    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        who: &Credentials,
        body: &str,
    ) -> Result<(u16, Vec<u8>)> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address);
        for (name, value) in &who.0 {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if method == "POST" {
            request
                .push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body);
        self.stream.get_mut().write_all(request.as_bytes())?;

        let status_line = self.line()?;
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("not HTTP: {status_line:?}"))?;
        let mut length = 0;
        loop {
            let header = self.line()?.to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            } else if header.starts_with("transfer-encoding:") {
                bail!("{method} {path} answered in chunks, which this client cannot read");
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok((status, answer))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the server closed the connection");
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}
