//! A connection string as it was typed: keys and texts, before they mean anything.
//!
//! Reads URLs and libpq's `key=value` words (PostgreSQL documentation, "Connection Strings") and libpq's
//! environment variables. Does not know what a port or an sslmode is.

use std::collections::BTreeMap;
use std::fmt;

use model::suggest::did_you_mean;

/// Keys that are understood, each with its environment variable.
const KEYS: [(&str, &str); 10] = [
    ("host", "PGHOST"),
    ("port", "PGPORT"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("dbname", "PGDATABASE"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("application_name", "PGAPPNAME"),
    ("options", "PGOPTIONS"),
];

/// libpq's keys that change nothing here and may be left in.
const IGNORED: [&str; 6] = [
    "client_encoding",
    "fallback_application_name",
    "gssencmode",
    "keepalives",
    "keepalives_idle",
    "target_session_attrs",
];

/// libpq's keys whose meaning would be lost if they were passed over.
const UNSUPPORTED: [&str; 7] =
    ["channel_binding", "hostaddr", "passfile", "service", "sslcert", "sslkey", "sslcrl"];

/// One thing that is wrong with the configuration, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    key: String,
    value: String,
    reason: String,
}

impl ConfigProblem {
    pub(crate) fn new(key: &str, value: impl ToString, reason: impl Into<String>) -> Self {
        ConfigProblem { key: key.to_owned(), value: value.to_string(), reason: reason.into() }
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value.as_str() {
            "" => write!(f, "{} {}", self.key, self.reason),
            value => write!(f, "{} `{value}` {}", self.key, self.reason),
        }
    }
}

/// Known keys and their texts.
#[derive(Debug, Default)]
pub(crate) struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The text of a key; an empty text counts as not given, as libpq has it.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn put(&mut self, key: &str, value: String, problems: &mut Vec<ConfigProblem>) {
        if KEYS.iter().any(|(known, _)| *known == key) {
            self.0.insert(key.to_owned(), value);
        } else if UNSUPPORTED.contains(&key) {
            problems.push(ConfigProblem::new(&format!("`{key}`"), "", "is not supported; leave it out"));
        } else if !IGNORED.contains(&key) {
            let hint = did_you_mean(key, KEYS.map(|(known, _)| known))
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let reason = format!("is not a setting of Postgres connections{hint}");
            problems.push(ConfigProblem::new(&format!("`{key}`"), "", reason));
        }
    }
}

/// Reads the text, then fills what it leaves out from the environment.
pub(crate) fn read(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
    problems: &mut Vec<ConfigProblem>,
) -> Settings {
    let text = text.trim();
    let mut settings = Settings::default();
    match text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://")) {
        Some(rest) => read_url(rest, &mut settings, problems),
        None if text.contains("://") => {
            let scheme = text.split("://").next().unwrap_or_default();
            problems.push(ConfigProblem::new("scheme", scheme, "is not Postgres's; write postgres://…"));
        }
        None => read_words(text, &mut settings, problems),
    }
    for (key, variable) in KEYS {
        if settings.get(key).is_none()
            && let Some(value) = env(variable)
        {
            settings.0.insert(key.to_owned(), value);
        }
    }
    settings
}

fn read_url(rest: &str, settings: &mut Settings, problems: &mut Vec<ConfigProblem>) {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (credentials, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let (host, port) = split_port(address);
    for (key, encoded) in
        [("user", user), ("password", password), ("host", host), ("port", port), ("dbname", path)]
    {
        if !encoded.is_empty() {
            put_decoded(key, encoded, settings, problems);
        }
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some((key, value)) => put_decoded(key, value, settings, problems),
            None => problems.push(ConfigProblem::new("the URL's part", pair, "has no `=`")),
        }
    }
}

/// `name:port`, `[::1]:port`, or either without a port.
fn split_port(address: &str) -> (&str, &str) {
    if let Some((host, rest)) = address.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return (host, rest.strip_prefix(':').unwrap_or_default());
    }
    address.split_once(':').unwrap_or((address, ""))
}

fn put_decoded(key: &str, encoded: &str, settings: &mut Settings, problems: &mut Vec<ConfigProblem>) {
    match percent_decoded(encoded) {
        Some(value) => settings.put(key, value, problems),
        // The text itself may be a password.
        None => problems.push(ConfigProblem::new(
            key,
            "",
            "has a `%` that is not followed by two hex digits of UTF-8 text (write %25 for a percent sign)",
        )),
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        let value = digits.iter().try_fold(0u8, |sum, digit| {
            Some(sum * 16 + u8::try_from(char::from(*digit).to_digit(16)?).ok()?)
        })?;
        bytes.push(value);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

/// `key = value` words; a value with blanks stands in single quotes, `\` escapes.
fn read_words(text: &str, settings: &mut Settings, problems: &mut Vec<ConfigProblem>) {
    let mut rest = text;
    while !rest.trim_start().is_empty() {
        rest = rest.trim_start();
        let Some((key, after)) = rest.split_once('=') else {
            let reason = "has no `=`; write key=value words or a postgres:// URL";
            problems.push(ConfigProblem::new("the word", first_word(rest), reason));
            return;
        };
        let key = key.trim_end();
        if key.contains(char::is_whitespace) {
            problems.push(ConfigProblem::new("the word", first_word(key), "has no `=`"));
        }
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('\'') {
            Some(quoted) => unescape(quoted, |character| character == '\''),
            None => unescape(after, char::is_whitespace),
        };
        rest = match (tail, after.starts_with('\'')) {
            (Some(tail), _) => tail,
            (None, false) => "",
            (None, true) => {
                problems.push(ConfigProblem::new(key, "", "has a quotation mark that is not closed"));
                ""
            }
        };
        settings.put(key.rsplit(char::is_whitespace).next().unwrap_or(key), value, problems);
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// Takes text up to the end mark; gives it without escapes, and what follows the mark.
fn unescape(text: &str, is_end: impl Fn(char) -> bool) -> (String, Option<&str>) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if is_end(character) {
            return (value, Some(&text[at + character.len_utf8()..]));
        }
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_plain(text: &str) -> (Settings, Vec<ConfigProblem>) {
        let mut problems = Vec::new();
        let settings = read(text, &|_| None, &mut problems);
        (settings, problems)
    }

    #[test]
    fn words_may_be_quoted_and_escaped() {
        let (settings, problems) =
            read_plain(r"host = localhost password='it\'s a secret' dbname=a\ b user=u");
        assert_eq!(problems, []);
        assert_eq!(settings.get("password"), Some("it's a secret"));
        assert_eq!(settings.get("dbname"), Some("a b"));
        assert_eq!(settings.get("user"), Some("u"));
    }

    #[test]
    fn addresses_of_the_sixth_version_stand_in_brackets() {
        let (settings, problems) = read_plain("postgresql://u@[::1]:5433/d");
        assert_eq!(problems, []);
        assert_eq!((settings.get("host"), settings.get("port")), (Some("::1"), Some("5433")));
    }

    #[test]
    fn a_password_may_hold_an_at_sign_and_a_colon() {
        let (settings, _) = read_plain("postgres://u:a@b:c@h/d");
        assert_eq!(settings.get("password"), Some("a@b:c"));
        assert_eq!(settings.get("host"), Some("h"));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for (text, part) in [
            ("mysql://u@h/d", "scheme `mysql` is not Postgres's"),
            ("localhost", "the word `localhost` has no `=`"),
            ("user=u password='open", "password has a quotation mark"),
            ("postgres://u:100%@h/d", "password has a `%`"),
            ("postgres://u@h/d?sslmode", "the URL's part `sslmode` has no `=`"),
            ("user=u sslcert=/x", "`sslcert` is not supported"),
            ("lonely user=u", "the word `lonely` has no `=`"),
        ] {
            let (_, problems) = read_plain(text);
            let all = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            assert!(all.contains(part), "{text}: {part:?} is missing in {all:?}");
        }
    }

    #[test]
    fn what_changes_nothing_is_passed_over() {
        assert_eq!(read_plain("user=u target_session_attrs=any client_encoding=utf8").1, []);
    }
}
