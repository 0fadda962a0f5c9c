//! A store that lies: a real one, with somebody on the wire who changes its answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use embed::store::{ObjectStore, StoreOptions};

/// A request as far as a liar needs to know it.
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
}

/// An answer on its way.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn is_list(&self) -> bool {
        self.method == "GET" && self.target.contains("list-type=2")
    }
}

impl Answer {
    /// An answer of S3's with nothing but a code.
    pub(crate) fn error(status: u16, code: &str) -> Answer {
        let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>").into_bytes();
        Answer { status, headers: vec![("content-type".into(), "application/xml".into())], body }
    }
}

type Lie = dyn Fn(&Asked, &mut dyn FnMut() -> Answer) -> Answer + Send + Sync;

/// The store, and the port on which it is lied about. Threads end with the test's process.
pub(crate) struct Liar {
    pub(crate) store: ObjectStore,
    pub(crate) endpoint: String,
}

/// Starts a store for which `lie` answers; it asks the store itself by calling what it is given, or does not.
pub(crate) fn start(
    lie: impl Fn(&Asked, &mut dyn FnMut() -> Answer) -> Answer + Send + Sync + 'static,
) -> Liar {
    let store = embed::store::start(StoreOptions::default()).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (port, lie): (u16, Arc<Lie>) = (store.port(), Arc::new(lie));
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let lie = Arc::clone(&lie);
            // A connection that breaks ends its thread.
            thread::spawn(move || drop(pass_on(client, port, &*lie)));
        }
    });
    Liar { store, endpoint }
}

fn pass_on(client: TcpStream, port: u16, lie: &Lie) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::new(client);
    loop {
        let request = head(&mut client)?;
        let mut words = request.lines().next().unwrap_or_default().split(' ').map(str::to_owned);
        let asked =
            Asked { method: words.next().unwrap_or_default(), target: words.next().unwrap_or_default() };
        let body = body(&mut client, &headers(&request))?;
        let mut ask = || {
            let answer = ask(port, &request, &body, asked.method == "HEAD");
            answer.unwrap_or_else(|_| Answer::error(502, "Gone"))
        };
        let answer = lie(&asked, &mut ask);
        let mut bytes = format!("HTTP/1.1 {} Told\r\n", answer.status).into_bytes();
        let is_head = asked.method == "HEAD";
        for (name, value) in answer.headers.iter().filter(|(name, _)| is_head || name != "content-length") {
            write!(bytes, "{name}: {value}\r\n")?;
        }
        if !is_head && answer.status != 204 {
            write!(bytes, "content-length: {}\r\n", answer.body.len())?;
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&answer.body);
        client.get_mut().write_all(&bytes)?;
    }
}

/// Asks on a connection of its own: a store may close one after it has refused a request.
fn ask(port: u16, request: &str, body: &[u8], is_head: bool) -> std::io::Result<Answer> {
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    server.set_nodelay(true)?;
    // The head goes on as it came: it is signed. Who refuses it need not read the body.
    let _ = server.write_all(request.as_bytes()).and_then(|()| server.write_all(body));
    answer(&mut BufReader::new(server), is_head)
}

/// Everything up to the empty line, and that.
fn head(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

fn headers(head: &str) -> Vec<(String, String)> {
    let pairs = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect()
}

fn body(stream: &mut BufReader<TcpStream>, headers: &[(String, String)]) -> std::io::Result<Vec<u8>> {
    let value = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let mut body = vec![0; value("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body)?;
    if value("transfer-encoding") == Some("chunked") {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
            let start = body.len();
            body.resize(start + length + 2, 0);
            stream.read_exact(&mut body[start..])?;
            body.truncate(start + length);
            if length == 0 {
                break;
            }
        }
    }
    Ok(body)
}

fn answer(stream: &mut BufReader<TcpStream>, is_head: bool) -> std::io::Result<Answer> {
    let head = head(stream)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(500);
    let headers = headers(&head);
    let body = if is_head || status == 204 { Vec::new() } else { body(stream, &headers)? };
    let headers = headers.into_iter().filter(|(name, _)| name != "transfer-encoding").collect();
    Ok(Answer { status, headers, body })
}
