//! A stream to the server: unix socket, TCP, or TLS over TCP.
//!
//! Knows bytes only.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

/// Room made for each read. A read that leaves some of it empty has emptied the socket, and tokio then waits
/// for news instead of asking the kernel once more.
const READ_BYTES: usize = 8 * 1024;
/// A buffer that one large reply has blown up is given back.
const KEEP_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub(crate) enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    /// Reads what is there behind what the buffer holds; 0 is the end of the stream.
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() && buffer.capacity() > KEEP_BYTES {
            *buffer = BytesMut::new();
        }
        buffer.reserve(READ_BYTES);
        pin!(self.read_buf(buffer)).poll(cx)
    }

    /// Reads what is there without waiting for more. The caller must not be waiting on this socket.
    pub(crate) fn fill_now(&mut self, buffer: &mut BytesMut) -> Poll<io::Result<usize>> {
        self.poll_fill(&mut Context::from_waker(Waker::noop()), buffer)
    }

    /// Sends without waiting; what does not fit is lost. For farewells.
    pub(crate) fn send_now(&mut self, bytes: &[u8]) {
        let cx = &mut Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut *self).poll_write(cx, bytes);
        let _ = Pin::new(self).poll_flush(cx);
    }

    /// Writes the bytes from `*sent` on, and counts it up as the kernel takes them.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        sent: &mut usize,
    ) -> Poll<io::Result<()>> {
        while *sent < bytes.len() {
            match Pin::new(&mut *self).poll_write(cx, &bytes[*sent..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => *sent += written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        // Only TLS keeps bytes back.
        match self {
            Socket::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Unix(_) | Socket::Tcp(_) => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Socket::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Socket::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
