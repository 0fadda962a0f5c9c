//! What goes over one pooled connection: bytes, and the transaction status that the client library keeps to
//! itself.
//!
//! The library hands out an error as soon as it has read it, and the server sends it before the end of the
//! reply. Whoever wants to know where the connection stands must first wait for that end.
//! Message formats: PostgreSQL documentation, "Message Formats".

use std::future::poll_fn;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::Poll;

use futures_util::task::AtomicWaker;

use crate::pg::lean::wire::{FAILED, HEADER_BYTES, IDLE};

/// A request or its reply is under way.
const MIDWAY: u8 = 0;
/// Nothing will ever come again.
const ENDED: u8 = 1;

/// What has gone over one connection.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    sent: AtomicU64,
    received: AtomicU64,
    /// `MIDWAY`, `ENDED`, or the transaction status at the end of the last reply.
    status: AtomicU8,
    waiting: AtomicWaker,
    messages: Mutex<Messages>,
}

impl Traffic {
    /// Bytes sent and received so far.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.received.load(Ordering::Relaxed))
    }

    /// The transaction status after the last reply; to be asked when it is [settled](Traffic::settled).
    pub(crate) fn status(&self) -> u8 {
        match self.status.load(Ordering::Acquire) {
            status @ (b'T' | FAILED) => status,
            _ => IDLE,
        }
    }

    /// Waits for the end of the reply that is under way, or of the connection.
    pub(crate) async fn settled(&self) {
        poll_fn(|cx| {
            self.waiting.register(cx.waker());
            match self.status.load(Ordering::Acquire) {
                MIDWAY => Poll::Pending,
                _ => Poll::Ready(()),
            }
        })
        .await;
    }

    pub(super) fn note_sent(&self, count: usize) {
        self.sent.fetch_add(count as u64, Ordering::Relaxed);
        self.status.store(MIDWAY, Ordering::Release);
    }

    pub(super) fn note_received(&self, bytes: &[u8]) {
        self.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let status = self.messages.lock().unwrap_or_else(PoisonError::into_inner).pass(bytes);
        if let Some(status) = status {
            self.set(status);
        }
    }

    pub(super) fn note_end(&self) {
        self.set(ENDED);
    }

    fn set(&self, status: u8) {
        self.status.store(status, Ordering::Release);
        if status != MIDWAY {
            self.waiting.wake();
        }
    }
}

/// Goes through the stream of messages in whatever pieces they come.
#[derive(Debug, Default)]
struct Messages {
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    /// What is still to come of the message whose header is whole.
    body_bytes: usize,
}

impl Messages {
    /// Where these bytes leave the connection; `None` if they say nothing about that.
    fn pass(&mut self, mut bytes: &[u8]) -> Option<u8> {
        let mut status = None;
        while let Some(&first) = bytes.first() {
            if self.header_bytes < HEADER_BYTES {
                let count = bytes.len().min(HEADER_BYTES - self.header_bytes);
                self.header[self.header_bytes..][..count].copy_from_slice(&bytes[..count]);
                self.header_bytes += count;
                bytes = &bytes[count..];
                if self.header_bytes == HEADER_BYTES {
                    let [_, length @ ..] = self.header;
                    self.body_bytes = (u32::from_be_bytes(length) as usize).saturating_sub(4);
                }
            } else {
                match self.header[0] {
                    b'Z' => status = Some(first),
                    // Notices, settings and notifications come at any time and end nothing.
                    b'N' | b'S' | b'A' => {}
                    _ => status = Some(MIDWAY),
                }
                let count = bytes.len().min(self.body_bytes);
                self.body_bytes -= count;
                bytes = &bytes[count..];
            }
            if self.header_bytes == HEADER_BYTES && self.body_bytes == 0 {
                self.header_bytes = 0;
            }
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    const ERROR: &[u8] = b"E\0\0\0\x06\0\0";
    const FAILED_READY: &[u8] = b"Z\0\0\0\x05E";
    const NOTICE: &[u8] = b"N\0\0\0\x05Z";
    const EMPTY: &[u8] = b"2\0\0\0\x04";

    fn is_settled(traffic: &Traffic) -> bool {
        pin!(traffic.settled()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn an_error_that_comes_before_the_end_of_its_reply_settles_nothing() {
        let traffic = Traffic::default();
        traffic.note_received(b"Z\0\0\0\x05T");
        assert!(is_settled(&traffic));
        traffic.note_sent(10);
        assert!(!is_settled(&traffic));
        traffic.note_received(ERROR);
        assert!(!is_settled(&traffic));
        traffic.note_received(FAILED_READY);
        assert!(is_settled(&traffic));
        assert_eq!((traffic.status(), traffic.bytes()), (FAILED, (10, 19)));
    }

    #[test]
    fn pieces_of_any_size_say_the_same() {
        let stream = [EMPTY, ERROR, NOTICE, FAILED_READY, NOTICE].concat();
        for size in 1..=stream.len() {
            let traffic = Traffic::default();
            stream.chunks(size).for_each(|piece| traffic.note_received(piece));
            assert!(is_settled(&traffic), "pieces of {size}");
            assert_eq!(traffic.status(), FAILED, "pieces of {size}");
        }
    }

    #[test]
    fn an_earlier_reply_does_not_stand_for_a_later_one() {
        let traffic = Traffic::default();
        // The reply to a statement that was closed meanwhile, and the beginning of ours.
        traffic.note_sent(20);
        traffic.note_received(&[EMPTY, b"Z\0\0\0\x05I", ERROR].concat());
        assert!(!is_settled(&traffic));
    }

    #[test]
    fn the_end_of_the_connection_is_an_end() {
        let traffic = Traffic::default();
        traffic.note_sent(1);
        traffic.note_end();
        assert!(is_settled(&traffic));
        assert_eq!(traffic.status(), IDLE);
    }
}
