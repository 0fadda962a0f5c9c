//! A server that says what a test tells it to: what no well-behaved store ever does.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

/// What to do when a request has arrived.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Send these bytes and wait for the next request.
    Say(String),
    /// Send these bytes and close.
    SayAndClose(String),
    /// Send these bytes as soon as as many requests as the barrier wants wait for it.
    SayTogether(Rc<Barrier>, String),
    /// Close without a word.
    Close,
    /// Reset the connection without a word.
    Reset,
    /// Never answer.
    Nothing,
}

/// What to do about a request, its head given.
type Rule = Rc<dyn Fn(&str) -> Answer>;

/// Serves every connection until it is dropped, each request as its rule has it.
pub(crate) struct Canned {
    port: u16,
    seen: Rc<Seen>,
    task: JoinHandle<()>,
}

/// What came.
#[derive(Default)]
struct Seen {
    requests: RefCell<Vec<(String, String)>>,
    connections: Cell<u32>,
    /// Requests that are not answered yet, and the most there ever were at once.
    open: Cell<u32>,
    most_open: Cell<u32>,
}

impl Canned {
    /// Gives the answers of a list in their order, and the last one again and again. Must be called within a
    /// `LocalSet`.
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let next = Cell::new(0);
        Self::by_rule(move |_| answers[next.replace(next.get() + 1).min(answers.len() - 1)].clone()).await
    }

    /// Answers each request for what it is. Must be called within a `LocalSet`.
    pub(crate) async fn by_rule(rule: impl Fn(&str) -> Answer + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, rule): (Rc<Seen>, Rule) = (Rc::default(), Rc::new(rule));
        let noted = Rc::clone(&seen);
        let task = tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                noted.connections.set(noted.connections.get() + 1);
                tokio::task::spawn_local(serve(stream, Rc::clone(&noted), Rc::clone(&rule)));
            }
        });
        Canned { port, seen, task }
    }

    /// A server that answers before it has understood a word, as one does that was spoken to in TLS.
    pub(crate) async fn start_at_once(answer: Answer) -> Self {
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
        Canned { port, seen: Rc::default(), task }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The heads of the requests that came, in order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.borrow().iter().map(|(head, _)| head.clone()).collect()
    }

    /// Their bodies.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.seen.requests.borrow().iter().map(|(_, body)| body.clone()).collect()
    }

    pub(crate) fn connections(&self) -> u32 {
        self.seen.connections.get()
    }

    /// The most requests that waited for an answer at once.
    pub(crate) fn most_open(&self) -> u32 {
        self.seen.most_open.get()
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, seen: Rc<Seen>, rule: Rule) {
    while let Some((head, body)) = take_request(&mut stream).await {
        let answer = rule(&head);
        seen.requests.borrow_mut().push((head, body));
        seen.open.set(seen.open.get() + 1);
        seen.most_open.set(seen.most_open.get().max(seen.open.get()));
        let goes_on = give(&mut stream, answer).await;
        seen.open.set(seen.open.get() - 1);
        if !goes_on {
            return;
        }
    }
}

/// Gives an answer, and says whether the connection stays.
async fn give(stream: &mut TcpStream, answer: Answer) -> bool {
    match answer {
        Answer::Say(text) => stream.write_all(text.as_bytes()).await.is_ok(),
        Answer::SayTogether(others, text) => {
            others.wait().await;
            stream.write_all(text.as_bytes()).await.is_ok()
        }
        Answer::SayAndClose(text) => {
            stream.write_all(text.as_bytes()).await.unwrap_or(());
            false
        }
        Answer::Close => false,
        Answer::Reset => {
            stream.set_zero_linger().unwrap();
            false
        }
        Answer::Nothing => std::future::pending().await,
    }
}

/// Reads a request and returns its head and its body.
async fn take_request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = header(&head, "content-length").map_or(0, |value| value.parse::<usize>().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some((head, String::from_utf8_lossy(&bytes[end + 4..]).into_owned()));
            }
        }
        match stream.read(&mut piece).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&piece[..count]),
            _ => return None,
        }
    }
}

/// The value of a header in a request's head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// A reply with a length.
pub(crate) fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// A reply with an S3 error document.
pub(crate) fn refusal(status: &str, code: &str) -> String {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>Said so</Message></Error>"
    );
    http(status, "content-type: application/xml\r\n", &body)
}
