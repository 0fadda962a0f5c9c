//! The operations of the iteration that is under way, kept in case its trace is asked for.
//!
//! Every operation of every iteration passes by here and hardly one is ever looked at, so noting one is a few stores: no clock
//! is read, names stay numbers, texts go one behind the other into one buffer, and both are used again by the next
//! iteration. Nothing is allocated once they have grown to what the longest iteration needed.

use std::cmp::Reverse;

use super::{Span, cut_message, ms};
use crate::{
    outcome::Outcome,
    recorder::{OpId, Sample},
};

/// Operations kept of one iteration. When there are more the last place is the newest one's: what an iteration failed
/// with comes last.
pub(super) const SPANS_AT_MOST: usize = 200;
/// A buffer for spans that has grown larger than this is given back once an iteration needs less.
const SPANS_KEPT: usize = 32;
/// A buffer for texts that has grown larger than this is given back before the next iteration.
const TEXT_BYTES_KEPT: usize = 8 << 10;

/// What one virtual user did in its iteration so far.
#[derive(Debug, Default)]
pub struct SpanLog {
    began_ns: u64,
    spans: Vec<Noted>,
    /// Classes and messages, one behind the other.
    texts: String,
    left_out: u64,
}

/// One operation.
#[derive(Debug, Clone, Copy)]
struct Noted {
    op: OpId,
    outcome: Outcome,
    at_ns: u64,
    wait_ns: Option<u64>,
    service_ns: u64,
    /// Where in the texts its own begin: the class, and behind it the message.
    text: u32,
    class: Option<u32>,
    message: Option<u32>,
}

impl Noted {
    fn took_ns(&self) -> u64 {
        self.service_ns.saturating_add(self.wait_ns.unwrap_or(0))
    }
}

impl SpanLog {
    /// An iteration begins at this time of the run's clock; what was noted of the one before is forgotten.
    #[inline]
    pub fn begin(&mut self, began_ns: u64) {
        self.began_ns = began_ns;
        if self.spans.capacity() > SPANS_KEPT && self.spans.len() < SPANS_KEPT {
            // What one iteration needed is not every user's for ever.
            self.spans.shrink_to(SPANS_KEPT);
        }
        self.spans.clear();
        self.left_out = 0;
        if !self.texts.is_empty() {
            self.texts.clear();
            self.texts.shrink_to(TEXT_BYTES_KEPT);
        }
    }

    /// Notes one operation, in a few nanoseconds. `woken_ns` is when its user was last woken, on the run's clock: when the
    /// reply came.
    #[inline]
    pub fn note(&mut self, op: OpId, woken_ns: u64, sample: &Sample<'_>, message: Option<&str>) {
        if self.spans.len() == SPANS_AT_MOST {
            self.drop_last();
        }
        let took_ns = sample.service_ns.saturating_add(sample.pool_wait_ns.unwrap_or(0));
        let at_ns = woken_ns.saturating_sub(took_ns).saturating_sub(self.began_ns);
        let text = self.texts.len() as u32;
        let class = sample.class.map(|class| self.keep_text(class));
        let message = message.map(|message| self.keep_text(cut_message(message)));
        self.spans.push(Noted {
            op,
            outcome: sample.outcome,
            at_ns,
            wait_ns: sample.pool_wait_ns,
            service_ns: sample.service_ns,
            text,
            class,
            message,
        });
    }

    /// What was noted, in the order in which operations began. Names come from `name`.
    pub fn spans(&self, name: impl Fn(OpId) -> String) -> Vec<Span> {
        let mut noted: Vec<&Noted> = self.spans.iter().collect();
        // The whole of many operations at once is recorded after its parts.
        noted.sort_by_key(|noted| (noted.at_ns, Reverse(noted.took_ns())));
        let span = |noted: &Noted| {
            let class_ends = noted.text + noted.class.unwrap_or(0);
            let text = |from: u32, bytes: u32| self.texts[from as usize..(from + bytes) as usize].to_owned();
            Span {
                op: name(noted.op),
                at_ms: ms(noted.at_ns),
                wait_ms: noted.wait_ns.map(ms),
                service_ms: ms(noted.service_ns),
                outcome: noted.outcome,
                class: noted.class.map(|bytes| text(noted.text, bytes)),
                message: noted.message.map(|bytes| text(class_ends, bytes)),
            }
        };
        noted.into_iter().map(span).collect()
    }

    /// When the iteration began, on the run's clock.
    pub fn began_ns(&self) -> u64 {
        self.began_ns
    }

    /// How many operations there were beyond those that are kept.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    #[cold]
    fn keep_text(&mut self, text: &str) -> u32 {
        self.texts.push_str(text);
        text.len() as u32
    }

    #[cold]
    fn drop_last(&mut self) {
        if let Some(last) = self.spans.pop() {
            self.texts.truncate(last.text as usize);
            self.left_out += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{outcome::Expect, recorder::Recorder};

    const MS: u64 = 1_000_000;

    fn sample(service_ms: u64, wait_ms: Option<u64>) -> Sample<'static> {
        Sample {
            outcome: Outcome::Ok,
            class: None,
            expect: Expect::Normal,
            service_ns: service_ms * MS,
            pool_wait_ns: wait_ms.map(|wait_ms| wait_ms * MS),
            bytes_sent: 0,
            bytes_received: 0,
            items: 0,
        }
    }

    fn failed(class: &str) -> Sample<'_> {
        Sample { outcome: Outcome::Error, class: Some(class), ..sample(1, None) }
    }

    #[test]
    fn an_operation_lies_where_its_wait_began_and_never_before_its_iteration() {
        let op = Recorder::new().op("swap");
        let mut log = SpanLog::default();
        log.begin(100 * MS);
        log.note(op, 103 * MS, &sample(4, None), None);
        log.note(op, 110 * MS, &sample(2, Some(3)), None);
        let spans = log.spans(|_| "swap".to_owned());
        let seen: Vec<_> = spans.iter().map(|span| (span.at_ms, span.wait_ms, span.service_ms)).collect();
        assert_eq!(seen, [(0.0, None, 4.0), (5.0, Some(3.0), 2.0)]);
    }

    #[test]
    fn the_whole_of_many_operations_stands_before_its_parts() {
        let mut recorder = Recorder::new();
        let (each, all) = (recorder.op("each"), recorder.op("all"));
        let mut log = SpanLog::default();
        log.begin(0);
        log.note(each, 5 * MS, &sample(4, None), None);
        log.note(each, 6 * MS, &sample(3, None), None);
        log.note(all, 6 * MS, &sample(6, None), None);
        let names: Vec<_> =
            log.spans(|op| recorder.op_name(op).to_string()).into_iter().map(|span| span.op).collect();
        assert_eq!(names, ["all", "each", "each"]);
    }

    #[test]
    fn each_has_its_own_class_and_message() {
        let op = Recorder::new().op("swap");
        let mut log = SpanLog::default();
        log.begin(0);
        log.note(op, 10 * MS, &failed("40001"), Some("could not serialize"));
        log.note(op, 20 * MS, &sample(0, None), None);
        log.note(op, 30 * MS, &failed("23505"), None);
        log.note(op, 40 * MS, &failed(""), Some("no class"));
        let spans = log.spans(|_| String::new());
        let texts: Vec<_> =
            spans.iter().map(|span| (span.class.as_deref(), span.message.as_deref())).collect();
        let expected = [
            (Some("40001"), Some("could not serialize")),
            (None, None),
            (Some("23505"), None),
            (Some(""), Some("no class")),
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn of_too_many_the_first_are_kept_and_the_very_last() {
        let op = Recorder::new().op("swap");
        let mut log = SpanLog::default();
        log.begin(0);
        (0..1_000).for_each(|n| log.note(op, n * MS, &failed("early"), None));
        log.note(op, 1_000 * MS, &failed("last"), Some("it ended here"));
        let spans = log.spans(|_| String::new());
        assert_eq!((spans.len(), log.left_out()), (SPANS_AT_MOST, 1_001 - SPANS_AT_MOST as u64));
        let last = spans.last().unwrap();
        assert_eq!(last.class.as_deref(), Some("last"));
        assert_eq!(last.message.as_deref(), Some("it ended here"));
        assert_eq!(spans[SPANS_AT_MOST - 2].at_ms, (SPANS_AT_MOST - 3) as f64);
    }

    #[test]
    fn the_next_iteration_begins_with_nothing_and_in_the_same_memory() {
        let op = Recorder::new().op("swap");
        let mut log = SpanLog::default();
        let mut round = |message: &str| {
            log.begin(0);
            (0..20).for_each(|n| log.note(op, n, &failed("40001"), Some(message)));
            (log.spans.capacity(), log.texts.capacity(), log.spans(|_| String::new()).len(), log.left_out())
        };
        let first = round("twenty bytes of text");
        assert_eq!((first.2, first.3), (20, 0));
        assert_eq!(round("twenty bytes of text"), first);
        assert!(round(&"x".repeat(500)).1 > TEXT_BYTES_KEPT);
        assert_eq!(
            round("less").1,
            TEXT_BYTES_KEPT,
            "what one iteration needed is not every user's for ever"
        );
    }
}
