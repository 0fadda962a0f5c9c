//! `numeric` between its text and its binary form, exactly.
//!
//! The wire carries base-10000 digits `d0 d1 …` with a weight `w`, so that the value is the sum of
//! `di · 10000^(w - i)`, a sign, and the display scale (`src/backend/utils/adt/numeric.c`, `numeric_send`).

use bytes::{Buf, BufMut, BytesMut};

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEG_INFINITY: u16 = 0xF000;

/// The largest display scale and exponent that the server itself accepts.
const SCALE_MAX: i64 = 16_383;
const EXPONENT_MAX: i64 = 131_072;

/// Writes `text` in binary form, or says why it is no number.
pub(crate) fn encode(text: &str, out: &mut BytesMut) -> Result<(), &'static str> {
    let trimmed = text.trim();
    let special = match trimmed.to_ascii_lowercase().as_str() {
        "nan" => Some(NAN),
        "infinity" | "inf" | "+infinity" | "+inf" => Some(INFINITY),
        "-infinity" | "-inf" => Some(NEG_INFINITY),
        _ => None,
    };
    if let Some(sign) = special {
        put_header(out, 0, 0, sign, 0);
        return Ok(());
    }
    let number = Decimal::parse(trimmed)?;
    let groups = number.groups();
    let weight = i16::try_from(groups.weight).map_err(|_| "has more digits than numeric can hold")?;
    let count = u16::try_from(groups.digits.len()).map_err(|_| "has more digits than numeric can hold")?;
    let sign = if number.negative && count > 0 { NEGATIVE } else { POSITIVE };
    put_header(out, count, weight, sign, number.scale);
    groups.digits.iter().for_each(|digit| out.put_u16(*digit));
    Ok(())
}

fn put_header(out: &mut BytesMut, digits: u16, weight: i16, sign: u16, scale: u16) {
    out.put_u16(digits);
    out.put_i16(weight);
    out.put_u16(sign);
    out.put_u16(scale);
}

/// `0.d0 d1 d2 … · 10^point` in decimal digits without leading zeros.
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    point: i64,
    scale: u16,
}

struct Groups {
    weight: i64,
    digits: Vec<u16>,
}

impl Decimal {
    fn parse(text: &str) -> Result<Decimal, &'static str> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let exponent = exponent.parse::<i64>().map_err(|_| "is not a decimal number")?;
                (mantissa, exponent)
            }
            None => (unsigned, 0),
        };
        if exponent.abs() > EXPONENT_MAX {
            return Err("has more digits than numeric can hold");
        }
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        if all().next().is_none() || !all().all(|byte| byte.is_ascii_digit()) {
            return Err("is not a decimal number");
        }
        let point = whole.len() as i64 + exponent;
        let scale = ((whole.len() + fraction.len()) as i64 - point).max(0);
        if scale > SCALE_MAX {
            return Err("has more digits after the point than numeric can hold");
        }
        let leading_zeros = all().take_while(|byte| *byte == b'0').count();
        let digits = all().skip(leading_zeros).map(|byte| byte - b'0').collect();
        Ok(Decimal { negative, digits, point: point - leading_zeros as i64, scale: scale as u16 })
    }

    /// The same digits by four, aligned at the decimal point, without zero groups at either end.
    fn groups(&self) -> Groups {
        if self.digits.is_empty() {
            return Groups { weight: 0, digits: Vec::new() };
        }
        let weight = (self.point - 1).div_euclid(4);
        let padding = ((weight + 1) * 4 - self.point) as usize;
        let padded: Vec<u8> = std::iter::repeat_n(0, padding).chain(self.digits.iter().copied()).collect();
        let mut digits: Vec<u16> = padded
            .chunks(4)
            .map(|chunk| (0..4).fold(0, |sum, i| sum * 10 + u16::from(chunk.get(i).copied().unwrap_or(0))))
            .collect();
        while digits.last() == Some(&0) {
            digits.pop();
        }
        Groups { weight: if digits.is_empty() { 0 } else { weight }, digits }
    }
}

/// Reads the binary form back as text, with as many digits after the point as the server keeps.
pub(crate) fn decode(mut wire: &[u8]) -> Result<String, &'static str> {
    const SHORT: &str = "a numeric shorter than it says";
    if wire.len() < 8 {
        return Err(SHORT);
    }
    let count = usize::from(wire.get_u16());
    let weight = i64::from(wire.get_i16());
    let sign = wire.get_u16();
    let scale = usize::from(wire.get_u16());
    if wire.len() < count * 2 {
        return Err(SHORT);
    }
    let mut text = String::with_capacity(8 + scale + 4 * (weight.max(0) as usize));
    match sign {
        POSITIVE => {}
        NEGATIVE => text.push('-'),
        NAN => return Ok("NaN".to_owned()),
        INFINITY => return Ok("Infinity".to_owned()),
        NEG_INFINITY => return Ok("-Infinity".to_owned()),
        _ => return Err("a numeric with an unknown sign"),
    }
    // The group that stands for 10000^power; zero where none was sent.
    let group = |power: i64| -> u16 {
        usize::try_from(weight - power)
            .ok()
            .and_then(|index| wire.get(index * 2..index * 2 + 2))
            .map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]))
    };
    if weight < 0 {
        text.push('0');
    } else {
        text.push_str(&group(weight).to_string());
        (0..weight).rev().for_each(|power| text.push_str(&format!("{:04}", group(power))));
    }
    if scale > 0 {
        text.push('.');
        let end = text.len() + scale;
        let mut power = -1;
        while text.len() < end {
            text.push_str(&format!("{:04}", group(power)));
            power -= 1;
        }
        text.truncate(end);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(text: &str) -> String {
        let mut wire = BytesMut::new();
        encode(text, &mut wire).unwrap();
        decode(&wire).unwrap()
    }

    #[test]
    fn digits_survive_whatever_their_place() {
        for text in [
            "0",
            "0.00",
            "1",
            "-1",
            "10000",
            "9999",
            "0.0001",
            "0.00001",
            "123456789.987654321",
            "-0.5",
            "1000000000000000000000000",
            "0.000000000000000000000000000001",
            "100000000.00",
            "NaN",
            "Infinity",
            "-Infinity",
        ] {
            assert_eq!(round_trip(text), text);
        }
    }

    #[test]
    fn other_spellings_end_as_the_server_would_print_them() {
        assert_eq!(round_trip("+7"), "7");
        assert_eq!(round_trip("007.50"), "7.50");
        assert_eq!(round_trip("1.5e3"), "1500");
        assert_eq!(round_trip("1.5E-3"), "0.0015");
        assert_eq!(round_trip(".5"), "0.5");
        assert_eq!(round_trip("-0"), "0");
    }

    #[test]
    fn the_wire_form_is_the_servers() {
        let mut wire = BytesMut::new();
        encode("-12345.678", &mut wire).unwrap();
        // Two digits before the point (1, 2345), one after (6780), weight 1, negative, scale 3.
        assert_eq!(&wire[..], [0, 3, 0, 1, 0x40, 0, 0, 3, 0, 1, 0x09, 0x29, 0x1A, 0x7C]);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", ".", "1.2.3", "1e", "e5", "twelve", "1 2", "0x10"] {
            assert!(encode(text, &mut BytesMut::new()).is_err(), "{text:?}");
        }
        assert!(encode("1e200000", &mut BytesMut::new()).is_err());
        assert!(encode("1e-20000", &mut BytesMut::new()).is_err());
    }

    #[test]
    fn a_cut_off_numeric_is_an_error_not_a_panic() {
        let mut wire = BytesMut::new();
        encode("12345.678", &mut wire).unwrap();
        assert!((0..wire.len()).all(|end| decode(&wire[..end]).is_err()));
    }

    proptest! {
        #[test]
        fn every_decimal_comes_back_digit_for_digit(
            negative: bool, whole in "[1-9][0-9]{0,40}|0", fraction in "[0-9]{0,40}",
        ) {
            let magnitude = if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") };
            let is_zero = magnitude.bytes().all(|byte| byte == b'0' || byte == b'.');
            let text = if negative && !is_zero { format!("-{magnitude}") } else { magnitude };
            prop_assert_eq!(round_trip(&text), text);
        }
    }
}
