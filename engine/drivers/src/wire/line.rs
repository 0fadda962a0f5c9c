//! One direction of one connection: bytes go in at one end and come out at the other when they are due.
//!
//! It is a delay line and no sleep between reading and writing: while bytes wait for their time, others are read, so that a
//! delay takes nothing of the bandwidth. It reads ahead only so far; behind that the sender waits, as it would without.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use model::seed::IterationRng;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::Instant;

use super::trouble::{Counts, Trouble};

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;
/// Bytes that may wait in one direction of one connection.
const ROOM: usize = 8 * 1024 * 1024;
/// On a narrow link: what a queue before it holds, beside what is under way.
const QUEUE_S: f64 = 0.1;
/// And the time that one piece may occupy it.
const PIECE_S: f64 = 0.02;

/// What all connections share in one direction.
pub(super) struct Direction {
    /// When a narrow link has taken all that was given to it.
    free_at: Cell<Instant>,
    rng: RefCell<IterationRng>,
}

/// Bytes that wait; none mean the end.
struct Piece {
    due: Instant,
    bytes: Vec<u8>,
}

impl Direction {
    pub(super) fn new(number: u64) -> Self {
        Self { free_at: Cell::new(Instant::now()), rng: RefCell::new(IterationRng::new(0, 0, number)) }
    }

    /// When bytes that come now are due at the other end.
    fn due(&self, trouble: &Trouble, bytes: usize) -> Instant {
        let mut due = Instant::now();
        if let Some(bytes_per_s) = trouble.bytes_per_s {
            let takes_s = bytes as f64 / bytes_per_s as f64;
            due = self.free_at.get().max(due) + Duration::from_secs_f64(takes_s);
            self.free_at.set(due);
        }
        let wavers = trouble.jitter.mul_f64(self.rng.borrow_mut().next_unit());
        // Half of the delay, less half of the jitter, and up to the whole of it on top.
        due + (trouble.delay / 2).saturating_sub(trouble.jitter / 2) + wavers
    }
}

impl Trouble {
    /// How many bytes may wait.
    fn room(&self) -> usize {
        self.bytes_per_s.map_or(ROOM, |bytes_per_s| {
            let under_way_s = QUEUE_S + self.delay.as_secs_f64();
            ((bytes_per_s as f64 * under_way_s) as usize).clamp(1, ROOM)
        })
    }

    /// How many of them may come at once.
    fn piece(&self) -> usize {
        self.bytes_per_s
            .map_or(PIECE, |bytes_per_s| ((bytes_per_s as f64 * PIECE_S) as usize).clamp(1, PIECE))
    }
}

/// Carries everything from one end to the other, and then that it has ended.
///
/// # Errors
/// Those of either end: the connection is no more.
pub(super) async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    direction: &Direction,
    mut now: watch::Receiver<Trouble>,
    counts: &Counts,
) -> io::Result<()> {
    let mut queue: VecDeque<Piece> = VecDeque::new();
    let (mut waiting, mut has_ended) = (0, false);
    let mut last_due = Instant::now();
    let mut buffer = vec![0; PIECE];
    loop {
        let trouble = *now.borrow_and_update();
        let due = queue.front().map(|piece| piece.due).filter(|_| !trouble.is_cut);
        if due.is_some_and(|due| due <= Instant::now())
            && let Some(piece) = queue.pop_front()
        {
            if piece.bytes.is_empty() {
                return ended(to.shutdown().await);
            }
            to.write_all(&piece.bytes).await?;
            waiting -= piece.bytes.len();
            continue;
        }
        let most = trouble.piece().min(trouble.room().saturating_sub(waiting));
        tokio::select! {
            biased;
            // Who could change it is gone, and so is the proxy.
            changed = now.changed() => changed.map_err(|_| io::ErrorKind::ConnectionAborted)?,
            () = at(due), if due.is_some() => {}
            read = from.read(&mut buffer[..most]), if !has_ended && most > 0 => {
                let read = read?;
                has_ended = read == 0;
                if !has_ended && queue.is_empty() && trouble.is_calm() {
                    to.write_all(&buffer[..read]).await?;
                    continue;
                }
                // Who comes later is never due earlier.
                last_due = direction.due(&trouble, read).max(last_due);
                queue.push_back(Piece { due: last_due, bytes: buffer[..read].to_vec() });
                waiting += read;
                counts.bytes.fetch_add(read as u64, Relaxed);
            }
        }
    }
}

async fn at(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due).await;
    }
}

/// An end that has gone before it was told of the end.
fn ended(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        result => result,
    }
}
