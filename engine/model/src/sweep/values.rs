//! Values as people write them: `1,2,4,8`, `1..512*2`, `1..10`, `1..100+10`, `a,b,c`.
//!
//! They are words here; what type a parameter has is known to whoever declares it.

/// More steps than this are a slip of the finger.
pub const MOST_VALUES: usize = 128;

/// Values that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`: {problem}; {remedy}")]
pub struct ValuesError {
    /// The text as it was read.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

/// How a range goes on.
#[derive(Clone, Copy)]
enum Pace {
    By(i64),
    Times(i64),
}

/// The values that a text lists, in its order: at least two, none twice. `A..B` counts from A to B; `A..B*F` multiplies
/// by F each time, `A..B+S` adds S, as long as B is not passed.
pub fn values(text: &str) -> Result<Vec<String>, ValuesError> {
    let fail = |problem: String, remedy: &str| {
        Err(ValuesError { text: text.to_owned(), problem, remedy: remedy.to_owned() })
    };
    let mut values = Vec::new();
    for part in text.split(',').map(str::trim) {
        if part.is_empty() {
            return fail("a value is missing".to_owned(), "write values such as 1,2,4,8 or 1..512*2");
        }
        match range(part) {
            Ok(Some(numbers)) => values.extend(numbers.iter().map(ToString::to_string)),
            Ok(None) => values.push(part.to_owned()),
            Err((problem, remedy)) => return fail(problem, remedy),
        }
    }
    if let Some((n, twice)) = values.iter().enumerate().find(|(n, value)| values[..*n].contains(value)) {
        return fail(
            format!("{twice} stands there twice, the second time as number {}", n + 1),
            "remove one",
        );
    }
    match values.len() {
        0 | 1 => fail("one value is no sweep".to_owned(), "write two at least, such as 1,2,4,8 or 1..512*2"),
        2..=MOST_VALUES => Ok(values),
        _ => fail(
            format!("these are more than {MOST_VALUES} values"),
            "take larger steps: 1..512*2 doubles, 1..100+10 adds 10",
        ),
    }
}

/// The numbers of `A..B`, `A..B*F` or `A..B+S`; nothing for what is no range at all.
fn range(part: &str) -> Result<Option<Vec<i64>>, (String, &'static str)> {
    const WRITE: &str = "write a range of whole numbers as 1..10, 1..512*2 or 1..100+10";
    let Some((from, rest)) = part.split_once("..") else { return Ok(None) };
    let (to, pace) = match rest.split_once(['*', '+']) {
        None => (rest, None),
        Some((to, pace)) => (to, Some((rest.contains('*'), pace))),
    };
    let number = |word: &str| {
        let word = word.trim();
        word.replace('_', "").parse::<i64>().map_err(|_| (format!("`{word}` is no whole number"), WRITE))
    };
    let (from, to) = (number(from)?, number(to)?);
    let pace = match pace {
        None => Pace::By(1),
        Some((true, factor)) => Pace::Times(number(factor)?),
        Some((false, step)) => Pace::By(number(step)?),
    };
    if to < from {
        return Err((format!("it ends at {to}, below {from} where it begins"), "name the smaller end first"));
    }
    match pace {
        Pace::By(..=0) => return Err(("its steps lead nowhere".to_owned(), "add 1 or more")),
        Pace::Times(..=1) => return Err(("its factor leads nowhere".to_owned(), "multiply by 2 or more")),
        Pace::Times(_) if from < 1 => {
            return Err((format!("{from} does not grow by multiplication"), "begin at 1 or more"));
        }
        _ => {}
    }
    let next = |last: &i64| match pace {
        Pace::By(step) => last.checked_add(step),
        Pace::Times(factor) => last.checked_mul(factor),
    };
    // One more than there may be is enough to refuse it.
    let numbers = std::iter::successors(Some(from), next).take_while(|number| *number <= to);
    Ok(Some(numbers.take(MOST_VALUES + 1).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        values(text).unwrap_err().to_string()
    }

    #[test]
    fn lists_and_ranges_are_read() {
        assert_eq!(values("1..512*2").unwrap().join(" "), "1 2 4 8 16 32 64 128 256 512");
        assert_eq!(values("1..10").unwrap().len(), 10);
        assert_eq!(values("1..100+10").unwrap().join(" "), "1 11 21 31 41 51 61 71 81 91");
        assert_eq!(values(" 1 , 4..16*4,100").unwrap(), ["1", "4", "16", "100"]);
        assert_eq!(values("a,b, c").unwrap(), ["a", "b", "c"]);
        assert_eq!(values("1..500*3").unwrap().join(" "), "1 3 9 27 81 243");
        assert_eq!(values("9223372036854775806..9223372036854775807").unwrap().len(), 2);
    }

    #[test]
    fn what_cannot_be_swept_is_told_with_a_remedy() {
        for (text, expected) in [
            ("", "a value is missing"),
            ("1,,2", "a value is missing"),
            ("4", "one value is no sweep; write two at least"),
            ("1..1", "one value is no sweep"),
            ("2,4,2", "2 stands there twice, the second time as number 3"),
            ("1..x", "`x` is no whole number; write a range"),
            ("1..2..3", "`2..3` is no whole number"),
            ("8..1", "it ends at 1, below 8 where it begins"),
            ("1..8*1", "its factor leads nowhere; multiply by 2 or more"),
            ("0..8*2", "0 does not grow by multiplication; begin at 1 or more"),
            ("1..8+0", "its steps lead nowhere; add 1 or more"),
            ("1..1000", "these are more than 128 values; take larger steps"),
        ] {
            let told = told(text);
            assert!(told.starts_with(&format!("`{text}`: {expected}")), "{told}");
        }
    }
}
