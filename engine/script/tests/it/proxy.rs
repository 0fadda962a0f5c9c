//! A proxy between a client and an object store, that lies where it is told to: faults are planted on the wire, where
//! neither the ledger nor the store knows of them.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// A request or a response, head and body.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// The method of a request.
    pub(crate) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// The path of a request, with its query.
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// Whether a response is a success.
    pub(crate) fn is_ok(&self) -> bool {
        self.head.split(' ').nth(1).is_some_and(|status| status.starts_with('2'))
    }

    /// The same with another body.
    pub(crate) fn with_body(&self, body: Vec<u8>) -> Self {
        let lines = self.head.split("\r\n").filter(|line| !is_header(line, "content-length"));
        let head = lines.collect::<Vec<_>>().join("\r\n");
        let head = format!("{}\r\ncontent-length: {}\r\n\r\n", head.trim_end(), body.len());
        Self { head, body }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .split("\r\n")
            .find(|line| is_header(line, name))
            .and_then(|line| line.split_once(": "))
            .map(|h| h.1)
    }

    /// Reads the next message; nothing when there is no other.
    fn read(from: &mut impl BufRead, has_body: bool) -> io::Result<Option<Self>> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if from.read_line(&mut head)? == 0 {
                return Ok(None);
            }
        }
        let mut message = Self { head, body: Vec::new() };
        let length = message.header("content-length").map_or(0, |length| length.parse().expect("a number"));
        assert!(
            message.header("transfer-encoding").is_none(),
            "bodies come with their length: {}",
            message.head
        );
        if has_body {
            message.body.resize(length, 0);
            from.read_exact(&mut message.body)?;
        }
        Ok(Some(message))
    }

    fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&[self.head.as_bytes(), &self.body].concat())
    }
}

fn is_header(line: &str, name: &str) -> bool {
    line.split_once(':').is_some_and(|(its, _)| its.eq_ignore_ascii_case(name))
}

/// What the client gets for a request, of which the store has given this.
pub(crate) enum Answer {
    /// As it is.
    Honest,
    /// This instead.
    Lie(Message),
    /// Nothing: the connection is cut.
    Cut,
}

type Liar = Box<dyn FnMut(&Message, &Message) -> Answer + Send>;

/// The proxy; it ends when it is dropped.
pub(crate) struct Proxy {
    port: u16,
    is_over: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Proxy {
    /// In front of the store on that port of this machine. `liar` decides what becomes of each response.
    pub(crate) fn before(
        store_port: u16,
        liar: impl FnMut(&Message, &Message) -> Answer + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_over = Arc::new(AtomicBool::new(false));
        let liar: Arc<Mutex<Liar>> = Arc::new(Mutex::new(Box::new(liar)));
        let over = is_over.clone();
        let listening = thread::spawn(move || {
            for client in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (client, liar) = (client.unwrap(), liar.clone());
                // Ends with its connection.
                thread::spawn(move || serve(&client, store_port, &liar));
            }
        });
        Self { port, is_over, listening: Some(listening) }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listening) = self.listening.take() {
            listening.join().unwrap();
        }
    }
}

fn serve(mut client: &TcpStream, store_port: u16, liar: &Mutex<Liar>) {
    let mut store = TcpStream::connect(("127.0.0.1", store_port)).unwrap();
    store.set_nodelay(true).unwrap();
    client.set_nodelay(true).unwrap();
    let mut requests = BufReader::new(client);
    let mut responses = BufReader::new(store.try_clone().unwrap());
    while let Ok(Some(request)) = Message::read(&mut requests, true) {
        request.write(&mut store).unwrap();
        let Ok(Some(response)) = Message::read(&mut responses, request.method() != "HEAD") else { return };
        let answer = (liar.lock().unwrap())(&request, &response);
        let sent = match answer {
            Answer::Honest => response.write(&mut client),
            Answer::Lie(lie) => lie.write(&mut client),
            Answer::Cut => return,
        };
        if sent.is_err() {
            return;
        }
    }
}
