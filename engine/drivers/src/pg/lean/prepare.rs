//! A statement as one connection knows it: how it is asked for, how it is called with parameters.
//!
//! The front of each call is made once, when the statement is prepared; a call appends its values and the
//! constant end, so that Bind, Execute and Sync leave in one write.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use bytes::{Buf, BufMut, BytesMut};
use postgres_protocol::message::frontend;

use crate::Value;
use crate::pg::error::PgError;
use crate::pg::kept::KEPT_STATEMENTS;
use crate::pg::params;
use crate::pg::rows::Description;
use crate::pg::statement::Statement;

/// All results in binary form; Execute the unnamed portal to its end; Sync.
const CALL_END: [u8; 19] = [0, 1, 0, 1, b'E', 0, 0, 0, 9, 0, 0, 0, 0, 0, b'S', 0, 0, 0, 4];

/// A statement prepared on a connection.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) description: Rc<Description>,
    /// What its types make impossible.
    refusal: Option<Box<PgError>>,
    /// Bind up to its values, without tag and length.
    front: Box<[u8]>,
    name: String,
}

impl Prepared {
    pub(crate) fn new(statement: &Statement, name: String, description: Rc<Description>) -> Prepared {
        let mut front = vec![0];
        front.extend_from_slice(name.as_bytes());
        // The name's end; one format for all parameters: binary; their number.
        front.extend_from_slice(&[0, 0, 1, 0, 1]);
        let count = u16::try_from(description.params.len()).unwrap_or(u16::MAX);
        front.extend_from_slice(&count.to_be_bytes());
        let refusal = params::refusal(statement, &description);
        Prepared { description, refusal, front: front.into(), name }
    }

    /// Appends a whole call. On an error the buffer is as it was.
    pub(crate) fn call(
        &self,
        statement: &Statement,
        params: &[Value],
        out: &mut BytesMut,
    ) -> Result<(), Box<PgError>> {
        let start = out.len();
        let done = self.try_call(statement, params, out, start);
        if done.is_err() {
            out.truncate(start);
        }
        done
    }

    fn try_call(
        &self,
        statement: &Statement,
        params: &[Value],
        out: &mut BytesMut,
        start: usize,
    ) -> Result<(), Box<PgError>> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        out.put_u8(b'B');
        out.put_u32(0);
        out.put_slice(&self.front);
        params::fields(statement, &self.description.params, params, out)?;
        let length = out.len() - start - 1 + 4;
        let Ok(length) = i32::try_from(length) else {
            let reason = "the parameters together are larger than 2 GiB: send less at a time".to_owned();
            return Err(Box::new(PgError::Refused { op: statement.shared_op(), reason }));
        };
        out[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
        out.put_slice(&CALL_END);
        Ok(())
    }
}

/// Which types and columns a prepared statement has, as numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outline {
    pub(crate) params: Vec<u32>,
    pub(crate) columns: Vec<(Box<str>, u32)>,
}

impl Outline {
    /// Reads the bodies of a `ParameterDescription` and a `RowDescription` (empty when there is none).
    pub(crate) fn read(mut params: &[u8], mut columns: &[u8]) -> Option<Outline> {
        let mut outline = Outline::default();
        for _ in 0..params.try_get_u16().ok()? {
            outline.params.push(params.try_get_u32().ok()?);
        }
        for _ in 0..columns.try_get_u16().unwrap_or(0) {
            let end = columns.iter().position(|byte| *byte == 0)?;
            let name = String::from_utf8_lossy(&columns[..end]).into();
            columns.advance(end + 1);
            // Table (4 bytes) and number of the column (2), its type, then length, modifier and format.
            let ty = columns.get(6..10)?;
            outline.columns.push((name, u32::from_be_bytes([ty[0], ty[1], ty[2], ty[3]])));
            columns = columns.get(18..)?;
        }
        Some(outline)
    }
}

/// Statement numbers are dense and come from us: they need no defence against collisions.
#[derive(Debug, Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.write_u32(bytes.iter().fold(0, |sum, byte| sum.rotate_left(8) ^ u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        // Fibonacci hashing: the table takes the upper bits.
        self.0 = u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// The statements of one connection, bounded.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    known: HashMap<u32, Rc<Prepared>, BuildHasherDefault<NumberHasher>>,
    oldest_first: VecDeque<u32>,
    /// Names that the server still has and nobody uses.
    to_close: Vec<String>,
    next_name: u32,
}

impl Shelf {
    pub(crate) fn get(&self, statement: &Statement) -> Option<&Rc<Prepared>> {
        self.known.get(&statement.id())
    }

    /// Appends the request that prepares a statement, and gives the name that it will have. Where the shelf
    /// is full, the oldest is closed in the same request.
    pub(crate) fn ask(&mut self, statement: &Statement, out: &mut BytesMut) -> Result<String, Box<PgError>> {
        while self.known.len() >= KEPT_STATEMENTS
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.to_close.extend(self.known.remove(&oldest).map(|dropped| dropped.name.clone()));
        }
        let start = out.len();
        for name in &self.to_close {
            // Made here, without a zero byte: cannot fail.
            let _ = frontend::close(b'S', name, out);
        }
        let name = format!("s{}", self.next_name);
        self.next_name = self.next_name.wrapping_add(1);
        let asked = frontend::parse(&name, statement.sql(), [], out)
            .and_then(|()| frontend::describe(b'S', &name, out));
        if asked.is_err() {
            out.truncate(start);
            let reason = "the SQL contains a zero byte, which Postgres cannot read".to_owned();
            return Err(Box::new(PgError::Refused { op: statement.shared_op(), reason }));
        }
        self.to_close.clear();
        frontend::sync(out);
        Ok(name)
    }

    pub(crate) fn put(&mut self, statement: &Statement, prepared: &Rc<Prepared>) {
        if self.known.insert(statement.id(), Rc::clone(prepared)).is_none() {
            self.oldest_first.push_back(statement.id());
        }
    }

    /// Forgets a statement that the server says is stale, so that its next use prepares it anew.
    pub(crate) fn forget(&mut self, statement: &Statement) {
        self.to_close.extend(self.known.remove(&statement.id()).map(|dropped| dropped.name.clone()));
        self.oldest_first.retain(|id| *id != statement.id());
    }
}

#[cfg(test)]
mod tests {
    use postgres_types::Type;

    use super::*;
    use crate::pg::Rule;
    use crate::pg::types::PgType;

    fn prepared(statement: &Statement, params: &[Type]) -> Prepared {
        let params = params.iter().map(PgType::of).collect();
        Prepared::new(statement, "s1".into(), Rc::new(Description { params, columns: Rc::new([]) }))
    }

    #[test]
    fn a_call_is_what_the_protocol_library_would_write() {
        let statement = Statement::new("op", "irrelevant", Rule::Plain);
        let prepared = prepared(&statement, &[Type::INT4, Type::TEXT]);
        let mut ours = BytesMut::new();
        prepared.call(&statement, &[Value::Int(7), Value::Null], &mut ours).unwrap();
        let mut theirs = BytesMut::new();
        let values = [Some(7i32.to_be_bytes()), None];
        let bound = frontend::bind(
            "",
            "s1",
            [1i16],
            values,
            |value, out| match value {
                Some(bytes) => {
                    out.put_slice(&bytes);
                    Ok(postgres_protocol::IsNull::No)
                }
                None => Ok(postgres_protocol::IsNull::Yes),
            },
            [1i16],
            &mut theirs,
        );
        assert!(bound.is_ok());
        frontend::execute("", 0, &mut theirs).unwrap();
        frontend::sync(&mut theirs);
        assert_eq!(ours, theirs);
    }

    #[test]
    fn a_bad_call_leaves_the_buffer_as_it_was_and_names_the_parameter() {
        let statement = Statement::new("push", "irrelevant", Rule::Plain);
        let prepared = prepared(&statement, &[Type::TEXT, Type::INT2]);
        let mut out = BytesMut::from(&b"before"[..]);
        let error = prepared.call(&statement, &["a".into(), Value::Int(70_000)], &mut out).unwrap_err();
        assert_eq!(&out[..], b"before");
        assert_eq!(
            error.to_string(),
            "push: parameter $2 must be int2, but `70000` (int) is out of range for int2 (-32768 to 32767)"
        );
        let error = prepared.call(&statement, &[], &mut out).unwrap_err();
        assert_eq!(error.to_string(), "push: the SQL has 2 parameters, but 0 values were given");
    }

    #[test]
    fn an_unsupported_type_is_named_with_the_cast_that_helps() {
        let statement = Statement::new("who", "irrelevant", Rule::Plain);
        let prepared = prepared(&statement, &[Type::INET]);
        let error = prepared.call(&statement, &["::1".into()], &mut BytesMut::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "who: parameter $1 has the type inet, which is not supported: cast it to text in the SQL \
             ($1::text::inet)"
        );
    }

    #[test]
    fn a_request_that_cannot_be_written_leaves_nothing_behind() {
        let mut shelf = Shelf::default();
        let known = Statement::new("op", "SELECT 1", Rule::Plain);
        shelf.put(&known, &Rc::new(prepared(&known, &[])));
        shelf.forget(&known);
        let mut out = BytesMut::from(&b"before"[..]);
        assert!(shelf.ask(&Statement::new("op", "SELECT '\0'", Rule::Plain), &mut out).is_err());
        assert_eq!(&out[..], b"before");
        // What was to be closed still is.
        shelf.ask(&known, &mut out).unwrap();
        assert_eq!(&out[6..15], b"C\0\0\0\x08Ss1\0");
    }

    #[test]
    fn a_full_shelf_closes_its_oldest() {
        let mut shelf = Shelf::default();
        let mut out = BytesMut::new();
        let mut statements = Vec::new();
        for _ in 0..=KEPT_STATEMENTS {
            let statement = Statement::new("op", "SELECT 1", Rule::Plain);
            out.clear();
            let name = shelf.ask(&statement, &mut out).unwrap();
            let description = Description { params: Box::new([]), columns: Rc::new([]) };
            shelf.put(&statement, &Rc::new(Prepared::new(&statement, name, Rc::new(description))));
            statements.push(statement);
        }
        assert_eq!(&out[..9], b"C\0\0\0\x08Ss0\0");
        assert!(shelf.get(&statements[0]).is_none());
        assert!(shelf.get(&statements[1]).is_some());
    }
}
