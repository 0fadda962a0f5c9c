//! The keys of many objects: an array, a row of numbers, or what a listing found.

use drivers::s3::Listed;
use rhai::{Array, Dynamic, ImmutableString, plugin::*};

use crate::{
    bindings::reply::{Body, Reply},
    context::failure,
    engine::EvalError,
};

/// Digits of a number in a key: as many in each, so that the order of the keys is that of the numbers.
const DIGITS: usize = 8;
const NUMBERS_AT_MOST: u64 = 100_000_000;

/// Keys that differ in a number at their end. It takes the same memory for any count of them.
#[derive(Clone, Debug)]
pub(crate) struct Numbered {
    prefix: ImmutableString,
    first: u64,
    count: u64,
}

impl Numbered {
    pub(super) fn new(prefix: ImmutableString, first: i64, count: i64) -> Result<Self, EvalError> {
        let number = |n: i64| u64::try_from(n).ok();
        match (number(first), number(count)) {
            (Some(first), Some(count)) if first + count <= NUMBERS_AT_MOST => {
                Ok(Self { prefix, first, count })
            }
            _ => Err(failure(&format!(
                "s3::numbered(prefix, first, count) counts from 0 to {NUMBERS_AT_MOST}, not {count} from {first}"
            ))),
        }
    }

    fn key(&self, n: u64) -> String {
        format!("{}{:0DIGITS$}", self.prefix, self.first + n)
    }
}

/// Keys from wherever a script has them, without a copy of all of them.
pub(super) enum Keys<'a> {
    Array(Vec<ImmutableString>),
    Numbered(&'a Numbered),
    Listed(&'a [Listed]),
}

impl<'a> Keys<'a> {
    /// # Errors
    /// What is none of the three, or an array that holds something else.
    pub(super) fn of(what: &str, value: &'a Source) -> Result<Self, EvalError> {
        match value {
            Source::Array(keys) => {
                let key = |(n, value): (usize, &Dynamic)| {
                    value.as_immutable_string_ref().map(|key| key.clone()).map_err(|kind| {
                        failure(&format!("{what} takes keys that are strings; number {n} is of type {kind}"))
                    })
                };
                keys.iter().enumerate().map(key).collect::<Result<_, _>>().map(Keys::Array)
            }
            Source::Numbered(numbered) => Ok(Keys::Numbered(numbered)),
            Source::Reply(reply) => match &reply.0.body {
                Body::Store(reply, _) => Ok(Keys::Listed(&reply.listing.objects)),
                _ => Err(failure(&format!("{what} takes the reply of s3::list, not another"))),
            },
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Keys::Array(keys) => keys.len(),
            // Far below: there are at most so many numbers.
            Keys::Numbered(numbered) => numbered.count as usize,
            Keys::Listed(objects) => objects.len(),
        }
    }

    pub(super) fn key(&self, n: usize) -> ImmutableString {
        match self {
            Keys::Array(keys) => keys[n].clone(),
            Keys::Numbered(numbered) => numbered.key(n as u64).into(),
            Keys::Listed(objects) => objects[n].key.as_str().into(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = ImmutableString> + '_ {
        (0..self.len()).map(|n| self.key(n))
    }
}

/// What a script gave as keys.
pub(super) enum Source {
    Array(Array),
    Numbered(Numbered),
    Reply(Reply),
}

impl Source {
    pub(super) fn of(what: &str, value: Dynamic) -> Result<Self, EvalError> {
        let kind = value.type_name();
        if let Some(numbered) = value.clone().try_cast::<Numbered>() {
            return Ok(Source::Numbered(numbered));
        }
        if let Some(reply) = value.clone().try_cast::<Reply>() {
            return Ok(Source::Reply(reply));
        }
        value.flatten().try_cast::<Array>().map(Source::Array).ok_or_else(|| {
            failure(&format!(
                "{what} takes an array of keys, s3::numbered(…) or the reply of s3::list, not {kind}"
            ))
        })
    }
}

/// Keys that differ in a number at their end.
#[export_module]
pub(crate) mod numbered_api {
    /// How many keys there are.
    #[rhai_fn(get = "len", pure)]
    pub fn len(numbered: &mut Numbered) -> i64 {
        i64::try_from(numbered.count).unwrap_or(i64::MAX)
    }

    /// The n-th key, from 0.
    ///
    /// ```rhai
    /// let states = s3::numbered("runs/17/", 0, 1000);
    /// s3::list("runs/17/", #{ start_after: states.key(499) });
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn key(numbered: &mut Numbered, n: i64) -> Result<String, EvalError> {
        let found = u64::try_from(n).ok().filter(|n| *n < numbered.count);
        found.map(|n| numbered.key(n)).ok_or_else(|| {
            failure(&format!("there is no key {n}: there are {}, counted from 0", numbered.count))
        })
    }

    /// What the keys are, in words.
    #[rhai_fn(pure)]
    pub fn to_string(numbered: &mut Numbered) -> String {
        format!("{} keys from {} on", numbered.count, numbered.key(0))
    }
}
