//! What scripts say beside a key: bodies, conditions, ranges, listings, and how many at once.

use bytes::Bytes;
use drivers::s3::{ByteRange, ListRequest, Multipart, PutCondition};
use rhai::Dynamic;

use crate::{bindings::payload::Payload, context::failure, engine::EvalError, settings::Settings};

/// What to put: a payload, a string or a blob.
pub(super) fn body(value: &Dynamic) -> Result<Bytes, EvalError> {
    if let Some(payload) = value.read_lock::<Payload>() {
        return Ok(payload.bytes.clone());
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(Bytes::copy_from_slice(text.as_bytes()));
    }
    if let Ok(blob) = value.as_blob_ref() {
        return Ok(Bytes::copy_from_slice(&blob));
    }
    Err(failure(&format!(
        "s3::put takes a payload (vu.rng.payload(4096)), a string or a blob, not {}",
        value.type_name()
    )))
}

/// The condition of a put.
pub(super) enum Condition {
    None,
    Absent,
    ETag(String),
}

impl Condition {
    pub(super) const SETTINGS: [&'static str; 2] = ["if_absent", "if_match"];

    pub(super) fn of(settings: &mut Settings<'_>) -> Self {
        match (settings.flag("if_absent").unwrap_or(false), settings.text("if_match")) {
            (true, Some(_)) => {
                let text = "cannot be both `if_absent` and `if_match`: one wants nothing to be there, the other \
                            something";
                settings.problem("if_match", text.to_owned());
                Self::None
            }
            (true, None) => Self::Absent,
            (false, Some(etag)) => Self::ETag(etag),
            (false, None) => Self::None,
        }
    }

    pub(super) fn as_driver(&self) -> PutCondition<'_> {
        match self {
            Self::None => PutCondition::None,
            Self::Absent => PutCondition::Absent,
            Self::ETag(etag) => PutCondition::ETag(etag),
        }
    }
}

/// Settings of a range.
pub(super) const RANGE: [&str; 3] = ["range", "from", "last"];

/// Which bytes to read; nothing when all.
pub(super) fn range(settings: &mut Settings<'_>) -> Option<ByteRange> {
    let between = settings.raw("range").map(ends);
    if between == Some(None) {
        let text = "takes the first and the last byte for `range`, such as [0, 1023]";
        settings.problem("range", text.to_owned());
    }
    let found = [
        between.flatten().map(|(first, last)| ByteRange::Between(first, last)),
        settings.bytes("from").map(ByteRange::From),
        settings.bytes("last").map(ByteRange::Last),
    ];
    let mut given = found.into_iter().flatten();
    let range = given.next();
    if given.next().is_some() {
        settings.problem("range", "takes one of `range`, `from` and `last`".to_owned());
    }
    range
}

fn ends(value: &Dynamic) -> Option<(u64, u64)> {
    let ends = value.as_array_ref().ok()?;
    let [first, last] = &ends[..] else { return None };
    let byte = |value: &Dynamic| value.as_int().ok().and_then(|n| u64::try_from(n).ok());
    byte(first).zip(byte(last)).filter(|(first, last)| first <= last)
}

/// What a listing is asked for beside its prefix.
pub(super) struct Listed {
    start_after: Option<String>,
    delimiter: Option<String>,
    max_keys: Option<u32>,
    limit: Option<u64>,
}

impl Listed {
    pub(super) const SETTINGS: [&'static str; 4] = ["start_after", "delimiter", "max_keys", "limit"];

    pub(super) fn of(settings: &mut Settings<'_>) -> Self {
        let max_keys = settings.count("max_keys");
        if max_keys == Some(0) {
            settings.problem(
                "max_keys",
                "needs 1 or more for `max_keys`: a page of nothing goes nowhere".to_owned(),
            );
        }
        Self {
            start_after: settings.text("start_after"),
            delimiter: settings.text("delimiter"),
            max_keys: max_keys.map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
            limit: settings.count("limit"),
        }
    }

    pub(super) fn request<'a>(&'a self, prefix: &'a str) -> ListRequest<'a> {
        ListRequest {
            prefix,
            start_after: self.start_after.as_deref(),
            delimiter: self.delimiter.as_deref(),
            max_keys: self.max_keys,
            limit: self.limit,
        }
    }
}

/// How many at once are too many: each is a connection.
const IN_FLIGHT_AT_MOST: u64 = 10_000;

/// The setting `in_flight`: how many are on their way at once.
pub(super) fn in_flight(settings: &mut Settings<'_>, default: usize) -> usize {
    let Some(given) = settings.count("in_flight") else { return default };
    if !(1..=IN_FLIGHT_AT_MOST).contains(&given) {
        settings.problem("in_flight", format!("takes 1 to {IN_FLIGHT_AT_MOST} for `in_flight`, not {given}"));
    }
    usize::try_from(given).unwrap_or(default).max(1)
}

/// Bytes of a part when nothing is said, and parts on their way at once.
const PART_BYTES: u64 = 8 << 20;
const PARTS_IN_FLIGHT: usize = 4;

/// How an object is put in parts.
pub(super) fn multipart(settings: &mut Settings<'_>) -> Multipart {
    let part_bytes = settings.bytes("part_bytes").unwrap_or(PART_BYTES);
    if part_bytes == 0 {
        settings.problem("part_bytes", "needs 1 or more of `part_bytes`".to_owned());
    }
    Multipart { part_bytes, in_flight: in_flight(settings, PARTS_IN_FLIGHT) }
}
