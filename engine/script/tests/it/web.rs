//! A small HTTP service for the stories: queues of JSON items, and answers for the asking.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Came {
    /// Method, path and query: `GET /v1/x?y=1`.
    pub(crate) line: String,
    /// By names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

/// The service. Its threads end with the test's process.
pub(crate) struct Web {
    pub(crate) url: String,
    came: Arc<Mutex<Vec<Came>>>,
}

/// Status, headers (each line with its end) and body.
pub(crate) type Answer = (u16, &'static str, String);

impl Web {
    /// Answers each request by the rule.
    pub(crate) fn start(rule: impl Fn(&Came) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (came, rule) = (Arc::<Mutex<Vec<Came>>>::default(), Arc::new(rule));
        let noted = came.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noted, rule) = (noted.clone(), rule.clone());
                // A connection that breaks ends its thread.
                thread::spawn(move || drop(serve(stream, &noted, &*rule)));
            }
        });
        Self { url, came }
    }

    /// What came, in order.
    pub(crate) fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    /// The lines of what came.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.came().into_iter().map(|came| came.line).collect()
    }
}

fn serve(stream: TcpStream, noted: &Mutex<Vec<Came>>, rule: &dyn Fn(&Came) -> Answer) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(came) = take(&mut stream)? {
        let (status, headers, body) = rule(&came);
        // A reply to HEAD tells how long the body would be, and has none.
        let shown = if came.line.starts_with("HEAD ") { "" } else { &body };
        noted.lock().unwrap().push(came);
        let length = body.len();
        let reply = format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {length}\r\n\r\n{shown}");
        stream.get_mut().write_all(reply.as_bytes())?;
    }
    Ok(())
}

/// Nothing at the end of the connection.
fn take(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Came>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header)?;
        let Some((name, value)) = header.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body)?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Ok(Some(Came { line, headers, body: String::from_utf8(body).unwrap() }))
}
