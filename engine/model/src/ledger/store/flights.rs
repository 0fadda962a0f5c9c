//! Which operations are on their way, and the order in which they began and ended.
//!
//! Stamps are the clock's nanoseconds, moved on where the clock stands still, so that no two are the same: of two
//! stamps the one that was given first is the smaller, whichever core asked. What has ended before the oldest operation
//! on its way began can no longer matter to any of them.

use std::collections::VecDeque;

/// The operations on their way to one store, from all cores.
#[derive(Debug, Clone, Default)]
pub struct Flights {
    last_ns: u64,
    /// By their beginning; those that have ended stay until all before them have.
    begun: VecDeque<(u64, bool)>,
}

impl Flights {
    /// An operation begins: its stamp, which is its name as well.
    pub fn begin(&mut self, now_ns: u64) -> u64 {
        let began_ns = self.stamp(now_ns);
        self.begun.push_back((began_ns, false));
        began_ns
    }

    /// A stamp for the end of an operation, which is still on its way until [`Flights::done`].
    pub fn stamp(&mut self, now_ns: u64) -> u64 {
        self.last_ns = now_ns.max(self.last_ns + 1);
        self.last_ns
    }

    /// The operation that began then is over, and so is what had to be said of it.
    pub fn done(&mut self, began_ns: u64) {
        if let Ok(at) = self.begun.binary_search_by_key(&began_ns, |flight| flight.0) {
            self.begun[at].1 = true;
        }
        while self.begun.front().is_some_and(|(_, is_done)| *is_done) {
            self.begun.pop_front();
        }
    }

    /// When the oldest operation on its way began; the present when there is none. Later ones begin later.
    #[must_use]
    pub fn oldest_ns(&self) -> u64 {
        self.begun.front().map_or(self.last_ns, |flight| flight.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_grow_even_when_the_clock_does_not() {
        let mut flights = Flights::default();
        let stamps = [flights.begin(7), flights.begin(7), flights.stamp(3), flights.begin(100)];
        assert_eq!(stamps, [7, 8, 9, 100]);
    }

    #[test]
    fn the_oldest_is_the_first_that_has_not_ended() {
        let mut flights = Flights::default();
        let [a, b, c] = [flights.begin(1), flights.begin(2), flights.begin(3)];
        flights.done(b);
        assert_eq!(flights.oldest_ns(), a);
        flights.done(a);
        assert_eq!(flights.oldest_ns(), c);
        flights.done(c);
        assert_eq!((flights.oldest_ns(), flights.begun.len()), (3, 0));
    }
}
