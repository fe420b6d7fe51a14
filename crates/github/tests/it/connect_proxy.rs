//! A proxy that speaks `CONNECT` and requires credentials, on threads of its own. The server's tests use it, too.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use data_encoding::BASE64;

pub(crate) struct ConnectProxy {
    pub(crate) address: SocketAddr,
    targets: Arc<Mutex<Vec<String>>>,
}

impl ConnectProxy {
    /// Starts a proxy for clients with these `credentials`, as `user:password`, that connects to the targets they name.
    pub(crate) fn start(credentials: &str) -> Self {
        Self::leading_to(None, credentials)
    }

    /// Connects to `server` whatever the clients name.
    pub(crate) fn leading_to(server: impl Into<Option<String>>, credentials: &str) -> Self {
        let server = server.into();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let targets = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&targets);
        let expected = format!("Basic {}", BASE64.encode(credentials.as_bytes()));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (seen, expected, server) = (Arc::clone(&seen), expected.clone(), server.clone());
                thread::spawn(move || serve(client, server, &expected, &seen));
            }
        });
        Self { address, targets }
    }

    /// The targets of the accepted requests.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.targets.lock().unwrap().clone()
    }
}

fn serve(mut client: TcpStream, server: Option<String>, expected: &str, seen: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut lines = BufReader::new(client.try_clone().unwrap());
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let authorization = head.iter().find_map(|line| line.strip_prefix("Proxy-Authorization: "));
    let target = head[0].strip_prefix("CONNECT ").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
    let (Some(target), true) = (target, authorization == Some(expected)) else {
        drop(client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"));
        return;
    };
    seen.lock().unwrap().push(target.to_owned());
    let Ok(server) = TcpStream::connect(server.as_deref().unwrap_or(target)) else {
        drop(client.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"));
        return;
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client);
    thread::spawn(move || {
        drop(std::io::copy(&mut from_server, &mut to_client));
        drop(to_client.shutdown(std::net::Shutdown::Both));
    });
    let mut to_server = server;
    drop(std::io::copy(&mut lines, &mut to_server));
    drop(to_server.shutdown(std::net::Shutdown::Both));
}
