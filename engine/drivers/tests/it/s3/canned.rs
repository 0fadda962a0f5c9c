//! A server that says what a test tells it to: what no well-behaved store ever does.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What to do when a request has arrived.
#[derive(Clone)]
pub(super) enum Answer {
    /// Send these bytes and wait for the next request.
    Say(String),
    /// Send these bytes and close.
    SayAndClose(String),
    /// Close without a word.
    Close,
    /// Reset the connection without a word.
    Reset,
    /// Never answer.
    Nothing,
}

/// Serves every connection until it is dropped, each request with the next answer of a list (the last one
/// again and again).
pub(super) struct Canned {
    port: u16,
    requests: Rc<RefCell<Vec<String>>>,
    connections: Rc<RefCell<u32>>,
    task: JoinHandle<()>,
}

impl Canned {
    /// Must be called within a `LocalSet`.
    pub(super) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Rc::new(RefCell::new(Vec::new()));
        let connections = Rc::new(RefCell::new(0));
        let script = Rc::new(RefCell::new((0, answers)));
        let (seen, count) = (Rc::clone(&requests), Rc::clone(&connections));
        let task = tokio::task::spawn_local(async move {
            let mut serving = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                *count.borrow_mut() += 1;
                let (seen, script) = (Rc::clone(&seen), Rc::clone(&script));
                serving.push(tokio::task::spawn_local(serve(stream, seen, script)));
            }
        });
        Canned { port, requests, connections, task }
    }

    /// A server that answers before it has understood a word, as one does that was spoken to in TLS.
    pub(super) async fn start_at_once(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::task::spawn_local(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                if let Answer::SayAndClose(text) = &answer {
                    let _ = stream.write_all(text.as_bytes()).await;
                }
            }
        });
        Canned { port, requests: Rc::default(), connections: Rc::default(), task }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The heads of the requests that came, in order.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.borrow().clone()
    }

    pub(super) fn connections(&self) -> u32 {
        *self.connections.borrow()
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Script = Rc<RefCell<(usize, Vec<Answer>)>>;

async fn serve(mut stream: TcpStream, requests: Rc<RefCell<Vec<String>>>, script: Script) {
    while let Some(head) = take_request(&mut stream).await {
        requests.borrow_mut().push(head);
        let answer = {
            let (next, answers) = &mut *script.borrow_mut();
            let answer = answers[(*next).min(answers.len() - 1)].clone();
            *next += 1;
            answer
        };
        match answer {
            Answer::Say(text) => stream.write_all(text.as_bytes()).await.unwrap_or(()),
            Answer::SayAndClose(text) => {
                stream.write_all(text.as_bytes()).await.unwrap_or(());
                return;
            }
            Answer::Close => return,
            Answer::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Answer::Nothing => std::future::pending().await,
        }
    }
}

/// Reads a request, body included, and returns its head.
async fn take_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = header(&head, "content-length").map_or(0, |value| value.parse::<usize>().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(head);
            }
        }
        match stream.read(&mut piece).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&piece[..count]),
            _ => return None,
        }
    }
}

/// The value of a header in a request's head.
pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// A reply with a length.
pub(super) fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// A reply with an S3 error document.
pub(super) fn refusal(status: &str, code: &str) -> String {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>Said so</Message></Error>"
    );
    http(status, "content-type: application/xml\r\n", &body)
}
