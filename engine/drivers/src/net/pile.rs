//! A body that comes in pieces, taken as a whole; one that comes in one piece, as most do, is not copied.

use bytes::{Bytes, BytesMut};

/// What has come of a body.
pub(crate) struct Pile {
    first: Bytes,
    all: BytesMut,
    total_bytes: u64,
    /// How much there will be, as far as the sender has said.
    announced_bytes: u64,
}

impl Pile {
    pub(crate) fn new(announced_bytes: u64) -> Self {
        Pile { first: Bytes::new(), all: BytesMut::new(), total_bytes: 0, announced_bytes }
    }

    /// Adds a piece. Room is made for what was announced, but never for more than `limit_bytes`.
    pub(crate) fn push(&mut self, piece: Bytes, limit_bytes: u64) {
        self.total_bytes += piece.len() as u64;
        if self.first.is_empty() {
            self.first = piece;
            return;
        }
        if self.all.is_empty() {
            self.all.reserve(self.announced_bytes.min(limit_bytes).max(self.total_bytes) as usize);
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&piece);
    }

    pub(crate) fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// How much there is or will be at least.
    pub(crate) fn expected_bytes(&self) -> u64 {
        self.total_bytes.max(self.announced_bytes)
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_piece_is_kept_as_it_is_and_several_are_put_together() {
        let piece = Bytes::from_static(b"abc");
        let mut pile = Pile::new(6);
        assert_eq!(pile.expected_bytes(), 6);
        pile.push(piece.clone(), 100);
        pile.push(Bytes::new(), 100);
        pile.push(Bytes::from_static(b"defg"), 100);
        assert_eq!((pile.total_bytes(), pile.expected_bytes()), (7, 7));
        assert_eq!(&pile.into_bytes()[..], b"abcdefg");
        let mut pile = Pile::new(3);
        pile.push(piece.clone(), 100);
        assert_eq!(pile.into_bytes().as_ptr(), piece.as_ptr());
    }
}
