//! The bytes between us and a server: a socket, encrypted or not, that counts what passes.
//!
//! The counts answer the one question an HTTP library does not: whether any of a request had left when its
//! connection was lost. Deliberately knows neither HTTP nor who is at the other end.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::io_class::io_class;

/// What passed, and how it ended.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    sent_bytes: Cell<u64>,
    failure: Cell<Option<&'static str>>,
}

impl Meter {
    /// Bytes handed to the socket since the connection was made, before encryption.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.sent_bytes.get()
    }

    /// The class of the failure that ended the connection, if one did.
    pub(crate) fn failure(&self) -> Option<&'static str> {
        self.failure.get()
    }

    fn note<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &result {
            self.failure.set(Some(io_class(error)));
        }
        result
    }

    fn note_sent(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = &result {
            self.sent_bytes.set(self.sent_bytes.get() + *count as u64);
        }
        self.note(result)
    }
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A metered connection.
pub(crate) struct Wire {
    transport: Transport,
    meter: Rc<Meter>,
}

impl Wire {
    pub(crate) fn plain(stream: TcpStream) -> Self {
        Wire { transport: Transport::Plain(stream), meter: Rc::default() }
    }

    pub(crate) fn tls(stream: TlsStream<TcpStream>) -> Self {
        Wire { transport: Transport::Tls(Box::new(stream)), meter: Rc::default() }
    }

    /// The protocol that both sides chose while they agreed on TLS, if they did.
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        match &self.transport {
            Transport::Plain(_) => None,
            Transport::Tls(stream) => stream.get_ref().1.alpn_protocol(),
        }
    }

    /// The counts, which stay readable after the connection was given to the HTTP library.
    pub(crate) fn meter(&self) -> Rc<Meter> {
        Rc::clone(&self.meter)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        let is_end = matches!(result, Poll::Ready(Ok(()))) && buf.filled().len() == before;
        if is_end && buf.remaining() > 0 {
            self.meter.failure.set(Some("unexpected_eof"));
        }
        self.meter.note(result)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Transport::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        };
        self.meter.note_sent(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Transport::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        };
        self.meter.note_sent(result)
    }

    /// Yes for both: a request's head and body go out together, and the body is never copied next to the head.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(cx),
        };
        self.meter.note(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
