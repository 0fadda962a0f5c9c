//! One change as it stands in the log.
//!
//! ```text
//! offset  bytes
//!      0  4      magic "SBL1"
//!      4  4      CRC-32 of all that follows
//!      8  1      kind
//!      9  1      zero
//!     10  2      length of the bucket's name
//!     12  2      length of the key
//!     14  2      number of parts the value was put in, 0 when it was put in one piece
//!     16  4      length of the meta
//!     20  4      length of the value that follows
//!     24  8      number of the file that holds the value, 0 when it follows
//!     32  8      size of the value
//!     40  8      modified, Unix milliseconds
//!     48  16     MD5 of the value, or of its parts' MD5s
//!     64         bucket, key, meta, value
//! ```
//! Integers are little-endian. A record does not say where it stands, so it can be copied as it is.

use super::Tag;

/// Bytes before the names.
pub(super) const HEADER_BYTES: usize = 64;
const MAGIC: [u8; 4] = *b"SBL1";
/// Longer than any record we write: a longer one is damage.
const LONGEST_BYTES: usize = super::INLINE_BYTES + (4 << 20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    CreateBucket = 1,
    DeleteBucket = 2,
    Put = 3,
    Delete = 4,
}

/// A change, its parts borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) kind: Kind,
    pub(super) bucket: &'a [u8],
    pub(super) key: &'a [u8],
    pub(super) meta: &'a [u8],
    /// Empty when the value has a file of its own.
    pub(super) value: &'a [u8],
    pub(super) file: Option<u64>,
    pub(super) size: u64,
    pub(super) modified_ms: u64,
    pub(super) etag: Tag,
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("it ends before the record does")]
    Cut,
    #[error("no record begins here")]
    NoRecord,
    #[error("the checksum is wrong")]
    Checksum,
}

impl<'a> Record<'a> {
    /// A record with nothing but names.
    pub(super) fn of(kind: Kind, bucket: &'a str, key: &'a str, modified_ms: u64) -> Record<'a> {
        let (bucket, key) = (bucket.as_bytes(), key.as_bytes());
        let etag = Tag::default();
        Record { kind, bucket, key, meta: &[], value: &[], file: None, size: 0, modified_ms, etag }
    }

    /// Appends the record; more of the value may follow in pieces. Returns its length.
    pub(super) fn encode(&self, more: &[bytes::Bytes], out: &mut Vec<u8>) -> usize {
        let start = out.len();
        let value_bytes = self.value.len() + more.iter().map(bytes::Bytes::len).sum::<usize>();
        // S3 keys have at most 1024 bytes, buckets 63, values here INLINE_BYTES: all far below these widths.
        let short = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
        let long = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&[self.kind as u8, 0]);
        out.extend_from_slice(&short(self.bucket.len()));
        out.extend_from_slice(&short(self.key.len()));
        out.extend_from_slice(&self.etag.parts.to_le_bytes());
        out.extend_from_slice(&long(self.meta.len()));
        out.extend_from_slice(&long(value_bytes));
        out.extend_from_slice(&self.file.unwrap_or(0).to_le_bytes());
        out.extend_from_slice(&self.size.to_le_bytes());
        out.extend_from_slice(&self.modified_ms.to_le_bytes());
        out.extend_from_slice(&self.etag.digest);
        for part in [self.bucket, self.key, self.meta, self.value] {
            out.extend_from_slice(part);
        }
        more.iter().for_each(|piece| out.extend_from_slice(piece));
        let checksum = crc32fast::hash(&out[start + 8..]);
        out[start + 4..start + 8].copy_from_slice(&checksum.to_le_bytes());
        out.len() - start
    }

    /// Reads the record at the beginning of `bytes`, and how many bytes it takes.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<(Record<'a>, usize), Flaw> {
        let length = Record::length(bytes)?;
        let whole = bytes.get(..length).ok_or(Flaw::Cut)?;
        if crc32fast::hash(&whole[8..]) != long(whole, 4) {
            return Err(Flaw::Checksum);
        }
        Ok((Record::parse(whole)?, length))
    }

    /// How many bytes the record at the beginning of `bytes` takes, by its header alone.
    pub(super) fn length(bytes: &[u8]) -> Result<usize, Flaw> {
        if bytes.len() < HEADER_BYTES {
            return Err(Flaw::Cut);
        }
        let length = HEADER_BYTES + lengths(bytes).iter().sum::<usize>();
        if bytes[..4] != MAGIC || length > LONGEST_BYTES { Err(Flaw::NoRecord) } else { Ok(length) }
    }

    /// Takes apart a whole record that is known to be good.
    pub(super) fn parse(whole: &'a [u8]) -> Result<Record<'a>, Flaw> {
        let kind = match whole[8] {
            1 => Kind::CreateBucket,
            2 => Kind::DeleteBucket,
            3 => Kind::Put,
            4 => Kind::Delete,
            _ => return Err(Flaw::NoRecord),
        };
        let [bucket_bytes, key_bytes, meta_bytes, _] = lengths(whole);
        let (bucket, rest) = whole[HEADER_BYTES..].split_at(bucket_bytes);
        let (key, rest) = rest.split_at(key_bytes);
        let (meta, value) = rest.split_at(meta_bytes);
        let mut digest = [0; 16];
        digest.copy_from_slice(&whole[48..64]);
        let file = Some(huge(whole, 24)).filter(|number| *number != 0);
        Ok(Record {
            kind,
            bucket,
            key,
            meta,
            value,
            file,
            size: huge(whole, 32),
            modified_ms: huge(whole, 40),
            etag: Tag { digest, parts: u16::from_le_bytes([whole[14], whole[15]]) },
        })
    }
}

/// Of bucket, key, meta and the value that follows.
fn lengths(header: &[u8]) -> [usize; 4] {
    let short = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
    [short(10), short(12), long(header, 16) as usize, long(header, 20) as usize]
}

fn long(header: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

fn huge(header: &[u8], at: usize) -> u64 {
    u64::from(long(header, at)) | u64::from(long(header, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            key in "\\PC{0,40}", meta in prop::collection::vec(any::<u8>(), 0..50),
            value in prop::collection::vec(any::<u8>(), 0..300), cut in any::<prop::sample::Index>(),
            file in prop::option::of(1_u64..), modified_ms in any::<u64>(),
            digest in any::<[u8; 16]>(), parts in any::<u16>(),
        ) {
            let record = Record {
                meta: &meta, value: &[], file, size: value.len() as u64, etag: Tag { digest, parts },
                ..Record::of(Kind::Put, "bucket", &key, modified_ms)
            };
            let cut = cut.index(value.len() + 1);
            let pieces = [Bytes::copy_from_slice(&value[..cut]), Bytes::copy_from_slice(&value[cut..])];
            let mut bytes = b"before".to_vec();
            let length = record.encode(&pieces, &mut bytes);
            bytes.extend_from_slice(b"after");
            let (read, read_length) = Record::decode(&bytes[6..]).unwrap();
            prop_assert_eq!(read, Record { value: &value, ..record });
            prop_assert_eq!(read_length, length);
        }

        #[test]
        fn every_damage_is_seen(
            value in prop::collection::vec(any::<u8>(), 0..100), at in any::<prop::sample::Index>(), bit in 0..8_u8,
        ) {
            let mut bytes = Vec::new();
            Record { value: &value, ..Record::of(Kind::Put, "b", "k", 1) }.encode(&[], &mut bytes);
            prop_assert!((0..bytes.len()).all(|cut| Record::decode(&bytes[..cut]) == Err(Flaw::Cut)));
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(Record::decode(&bytes).is_err());
        }
    }

    #[test]
    fn a_record_from_before_there_were_parts_is_of_a_value_put_in_one_piece() {
        let mut bytes = b"SBL1\0\0\0\0\x03\0\x01\0\x01\0".to_vec();
        // What was zero then is the number of parts now.
        bytes.extend_from_slice(&[0, 0, 0, 0, 0, 0, 5, 0, 0, 0]);
        for number in [0_u64, 5, 1_700_000_000_000] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&[9; 16]);
        bytes.extend_from_slice(b"bkhello");
        let checksum = crc32fast::hash(&bytes[8..]);
        bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
        let (record, length) = Record::decode(&bytes).unwrap();
        assert_eq!(length, bytes.len());
        assert_eq!((record.key, record.value, record.size), (&b"k"[..], &b"hello"[..], 5));
        assert_eq!(record.etag, Tag { digest: [9; 16], parts: 0 });
    }

    #[test]
    fn zeroes_are_no_record() {
        assert_eq!(Record::decode(&[0; 4096]), Err(Flaw::NoRecord));
    }
}
