//! One connection: requests in, answers out, with as few system calls as can be.
//!
//! Bodies are counted and dropped as they come. Answers to requests that came together leave together.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Noop;
use super::answers::{GO_ON, NO_HTTP};
use super::request::{self, Head, Length, Parsed};

/// Read at once.
const READ_BYTES: usize = 64 << 10;
/// A head that is longer is none.
const MOST_HEAD_BYTES: usize = 64 << 10;
/// A body that has to be understood and is longer is refused.
const MOST_KEPT_BYTES: usize = 16 << 20;
/// Zero bytes that go into the same write as the head.
const FEW_ZEROS: u64 = 32 << 10;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

pub(super) async fn serve(stream: TcpStream, noop: &Noop) -> io::Result<()> {
    let mut wire = Wire { stream, input: vec![0; READ_BYTES], start: 0, end: 0, out: Vec::new() };
    while let Some(head) = wire.head().await? {
        if head.waits {
            wire.out.extend_from_slice(GO_ON);
            wire.flush().await?;
        }
        let mut kept = Vec::new();
        let keep = Noop::needs_body(&head).then_some(&mut kept);
        let bytes = match head.body {
            Length::Bytes(bytes) => wire.body(bytes, keep).await?,
            Length::Chunked => wire.chunks(keep).await?,
        };
        let zeros = noop.answer(&head, head.decoded_bytes.unwrap_or(bytes), &kept, &mut wire.out);
        wire.zeros(zeros).await?;
        if head.closes {
            wire.flush().await?;
            return wire.stream.shutdown().await;
        }
    }
    Ok(())
}

/// The stream, what has been read of it and not been used, and what is to be written.
struct Wire {
    stream: TcpStream,
    input: Vec<u8>,
    start: usize,
    end: usize,
    out: Vec<u8>,
}

impl Wire {
    /// The next request's head; `None` when no more come.
    async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            match request::parse(&self.input[self.start..self.end]) {
                Parsed::Whole(head, length) => {
                    self.start += length;
                    return Ok(Some(head));
                }
                Parsed::Unfinished if self.end - self.start < MOST_HEAD_BYTES => {}
                Parsed::Unfinished | Parsed::NoHttp => {
                    self.out.extend_from_slice(NO_HTTP);
                    self.flush().await?;
                    return Ok(None);
                }
            }
            if self.more().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Reads more behind what is there. Before it waits, it sends what is due.
    async fn more(&mut self) -> io::Result<usize> {
        self.flush().await?;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.input.len() {
            self.input.drain(..self.start);
            self.end -= self.start;
            self.start = 0;
            self.input.resize(self.end + READ_BYTES, 0);
        }
        let read = self.stream.read(&mut self.input[self.end..]).await?;
        self.end += read;
        Ok(read)
    }

    /// Uses up so many bytes, keeping a copy when asked to.
    async fn body(&mut self, bytes: u64, mut keep: Option<&mut Vec<u8>>) -> io::Result<u64> {
        let mut left = bytes;
        loop {
            let at_hand = self.end - self.start;
            let taken = usize::try_from(left).unwrap_or(usize::MAX).min(at_hand);
            if let Some(kept) = keep.as_deref_mut() {
                if kept.len() + taken > MOST_KEPT_BYTES {
                    return Err(io::ErrorKind::FileTooLarge.into());
                }
                kept.extend_from_slice(&self.input[self.start..self.start + taken]);
            }
            self.start += taken;
            left -= taken as u64;
            if left == 0 {
                return Ok(bytes);
            }
            if self.more().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Uses up a body in chunks, and the trailers behind it.
    async fn chunks(&mut self, mut keep: Option<&mut Vec<u8>>) -> io::Result<u64> {
        let mut bytes = 0;
        loop {
            let line = self.line().await?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let length = u64::from_str_radix(digits, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            if length == 0 {
                while !self.line().await?.is_empty() {}
                return Ok(bytes);
            }
            bytes += self.body(length, keep.as_deref_mut()).await?;
            self.line().await?;
        }
    }

    /// The next line, without its end.
    async fn line(&mut self) -> io::Result<String> {
        loop {
            let at_hand = &self.input[self.start..self.end];
            if let Some(length) = at_hand.iter().position(|byte| *byte == b'\n') {
                let line = String::from_utf8_lossy(&at_hand[..length]).trim_end().to_owned();
                self.start += length + 1;
                return Ok(line);
            }
            if at_hand.len() > MOST_HEAD_BYTES {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.more().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            self.stream.write_all(&self.out).await?;
            self.out.clear();
        }
        Ok(())
    }

    /// Sends so many zero bytes: a few with what is due, many behind it.
    async fn zeros(&mut self, bytes: u64) -> io::Result<()> {
        if bytes <= FEW_ZEROS {
            self.out.resize(self.out.len() + bytes as usize, 0);
            return Ok(());
        }
        self.flush().await?;
        let mut left = bytes;
        while left > 0 {
            let piece = left.min(ZEROS.len() as u64);
            self.stream.write_all(&ZEROS[..piece as usize]).await?;
            left -= piece;
        }
        Ok(())
    }
}
