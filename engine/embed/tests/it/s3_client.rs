//! An S3 client of its own for these tests: HTTP/1.1 on one connection, requests signed as AWS documents it
//! (SigV4). Written from the specification, so that it can disagree with the server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

pub(crate) struct Client {
    host: String,
    access_key: String,
    secret_key: String,
    stream: Option<BufReader<TcpStream>>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The texts of all elements of one name.
    pub(crate) fn elements(&self, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let text = self.text();
        text.split(&open).skip(1).filter_map(|rest| rest.split(&close).next()).map(str::to_owned).collect()
    }

    pub(crate) fn element(&self, name: &str) -> Option<String> {
        self.elements(name).into_iter().next()
    }
}

impl Client {
    pub(crate) fn of(store: &embed::store::ObjectStore) -> Client {
        Client::new(store.port(), store.access_key(), store.secret_key())
    }

    pub(crate) fn new(port: u16, access_key: &str, secret_key: &str) -> Client {
        let host = format!("127.0.0.1:{port}");
        Client { host, access_key: access_key.to_owned(), secret_key: secret_key.to_owned(), stream: None }
    }

    /// A request; `path` and query pairs as they are meant, not encoded.
    pub(crate) fn send(&mut self, method: &str, path: &str, query: &[(&str, &str)], body: &[u8]) -> Answer {
        self.send_with(method, path, query, &[], body)
    }

    pub(crate) fn send_with(
        &mut self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.try_send(method, path, query, headers, body).expect("the store answers")
    }

    pub(crate) fn try_send(
        &mut self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let request = self.signed(method, path, query, headers, body);
        let answer = self.exchange(method, &request, body);
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    fn exchange(&mut self, method: &str, head: &str, body: &[u8]) -> std::io::Result<Answer> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.host)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            self.stream = Some(BufReader::new(stream));
        }
        let stream = self.stream.as_mut().expect("connected above");
        let mut request = head.as_bytes().to_vec();
        request.extend_from_slice(body);
        stream.get_mut().write_all(&request)?;
        read_answer(stream, method == "HEAD")
    }

    fn signed(
        &self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        extra: &[(&str, &str)],
        body: &[u8],
    ) -> String {
        let now = amz_date();
        let hash = hex(&Sha256::digest(body));
        let mut query: Vec<String> =
            query.iter().map(|(key, value)| format!("{}={}", encoded(key, ""), encoded(value, ""))).collect();
        query.sort();
        let (path, query) = (encoded(path, "/"), query.join("&"));
        let mut headers: Vec<(String, String)> = vec![
            ("host".into(), self.host.clone()),
            ("x-amz-content-sha256".into(), hash.clone()),
            ("x-amz-date".into(), now.clone()),
        ];
        headers.extend(extra.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        headers.sort();
        let names: Vec<&str> = headers.iter().map(|(key, _)| key.as_str()).collect();
        let names = names.join(";");
        let canonical_headers: String =
            headers.iter().map(|(key, value)| format!("{key}:{value}\n")).collect();
        let canonical = format!("{method}\n{path}\n{query}\n{canonical_headers}\n{names}\n{hash}");
        let scope = format!("{}/us-east-1/s3/aws4_request", &now[..8]);
        let to_sign = format!("AWS4-HMAC-SHA256\n{now}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        let mut key = hmac(format!("AWS4{}", self.secret_key).as_bytes(), &now.as_bytes()[..8]);
        for part in ["us-east-1", "s3", "aws4_request"] {
            key = hmac(&key, part.as_bytes());
        }
        let signature = hex(&hmac(&key, to_sign.as_bytes()));
        let credential = format!("{}/{scope}", self.access_key);
        let lines: String = headers.iter().map(|(key, value)| format!("{key}: {value}\r\n")).collect();
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        format!(
            "{method} {target} HTTP/1.1\r\n{lines}content-length: {}\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential={credential}, SignedHeaders={names}, Signature={signature}\r\n\r\n",
            body.len()
        )
    }
}

fn read_answer(stream: &mut BufReader<TcpStream>, head_only: bool) -> std::io::Result<Answer> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other(format!("no status line: {line:?}")))?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((key, value)) = line.trim_end().split_once(':') else { break };
        headers.push((key.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let find = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let mut body = Vec::new();
    if !head_only && !matches!(status, 204 | 304) {
        if find("transfer-encoding") == Some("chunked") {
            read_chunks(stream, &mut body)?;
        } else {
            let length = find("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            body.resize(length, 0);
            stream.read_exact(&mut body)?;
        }
    }
    Ok(Answer { status, headers, body })
}

fn read_chunks(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
        let start = body.len();
        body.resize(start + length + 2, 0);
        stream.read_exact(&mut body[start..])?;
        body.truncate(start + length);
        if length == 0 {
            return Ok(());
        }
    }
}

/// RFC 2104.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |byte: u8| block.map(|key| key ^ byte);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn encoded(text: &str, also: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also.as_bytes().contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Now, as `20251120T161403Z`. Civil date from days: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn amz_date() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[test]
fn the_signing_key_is_the_one_aws_shows() {
    // AWS General Reference, "Examples of how to derive a signing key for Signature Version 4".
    let mut key = hmac(b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", b"20150830");
    for part in ["us-east-1", "iam", "aws4_request"] {
        key = hmac(&key, part.as_bytes());
    }
    assert_eq!(hex(&key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}
