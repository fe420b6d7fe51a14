use std::net::SocketAddr;
use std::str;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;

const MOST_HEADERS: usize = 64;

/// A keep-alive connection of a client that sends prepared bytes and reads no more of a response than it must, so that the
/// generator takes little of the CPU time that the measured programs need.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// A response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    /// The value of `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: &'a [u8],
}

/// The head of a response, once it is complete.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    retry_after: Option<Duration>,
    /// The bytes of the head.
    length: usize,
    body_length: usize,
}

impl Connection {
    pub(crate) async fn open(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(4096) })
    }

    /// Sends a request and reads its response.
    ///
    /// # Errors
    /// If the connection fails, or the response is not one with `Content-Length`.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Response<'_>> {
        self.received.clear();
        self.stream.write_all(request).await?;
        let head = loop {
            self.receive().await?;
            if let Some(head) = head(&self.received)? {
                break head;
            }
        };
        let end = head.length + head.body_length;
        while self.received.len() < end {
            self.receive().await?;
        }
        let body = self.received.get(head.length..end).unwrap_or_default();
        Ok(Response { status: head.status, retry_after: head.retry_after, body })
    }

    async fn receive(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err("the server closed the connection".into()),
            _ => Ok(()),
        }
    }
}

/// Parses the head of a response; `None` if it is incomplete.
fn head(received: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(received)? else { return Ok(None) };
    let status = response.code.ok_or("a response without a status")?;
    let value = |name: &str| {
        let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.and_then(|header| str::from_utf8(header.value).ok())
    };
    let body_length = match value("content-length") {
        Some(length) => length.trim().parse()?,
        None if status == 204 => 0,
        None => return Err("a response without Content-Length".into()),
    };
    let seconds = value("retry-after").map(|seconds| seconds.trim().parse()).transpose()?;
    let retry_after = seconds.map(Duration::from_secs);
    Ok(Some(Head { status, retry_after, length, body_length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_parsed_once_it_is_complete() {
        let response = b"HTTP/1.1 201 Created\r\nRetry-After: 5\r\nContent-LENGTH: 12\r\n\r\n{\"a\":1}";
        let complete = response.len() - 7;
        for end in 0..complete {
            assert_eq!(head(&response[..end]).unwrap(), None, "{end}");
        }
        let retry_after = Some(Duration::from_secs(5));
        let parsed = Head { status: 201, retry_after, length: complete, body_length: 12 };
        assert_eq!(head(response).unwrap(), Some(parsed));
    }

    #[test]
    fn a_response_without_a_length_is_an_error_unless_it_has_no_body() {
        assert!(head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(head(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n").is_err());
        assert!(head(b"HTTP/1.1 429 X\r\nretry-after: later\r\ncontent-length: 0\r\n\r\n").is_err());
        assert!(head(b"nonsense\r\n\r\n").is_err());
        assert_eq!(head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap().body_length, 0);
    }
}
