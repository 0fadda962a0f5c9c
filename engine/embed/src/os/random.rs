//! Numbers nobody can guess.

use std::io::Read;

use super::text;
use crate::EmbedError;

/// 128 bits as hexadecimal digits.
pub(crate) fn hex_128() -> Result<String, EmbedError> {
    let source = "/dev/urandom";
    let mut bytes = [0; 16];
    let read = std::fs::File::open(source).and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(EmbedError::io("read", source))?;
    Ok(text::hex(&bytes))
}
