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

/// What stands where a setting should be and may be a piece of a password.
const HIDDEN_KEY: &str = "something that stands behind the password, or may be a part of it,";
const NOT_SHOWN: &str = "is no setting of Postgres connections (it is not shown here): percent-encode the \
                         password in a URL (`/` as %2F, `?` as %3F, `@` as %40), put it in single quotes \
                         among key=value words, or leave it out and set PGPASSWORD";

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

    /// `shows` says whether the key may be named in a problem: it must not be a piece of a password.
    fn put(&mut self, key: &str, value: String, shows: bool, problems: &mut Vec<ConfigProblem>) {
        if KEYS.iter().any(|(known, _)| *known == key) {
            self.0.insert(key.to_owned(), value);
        } else if UNSUPPORTED.contains(&key) {
            problems.push(ConfigProblem::new(&format!("`{key}`"), "", "is not supported; leave it out"));
        } else if !IGNORED.contains(&key) && !shows {
            problems.push(ConfigProblem::new(HIDDEN_KEY, "", NOT_SHOWN));
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
        None if foreign_scheme(text).is_some() => {
            let scheme = foreign_scheme(text).unwrap_or_default();
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

/// The scheme of a URL that is not Postgres's. Among words `://` may stand in a password.
fn foreign_scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)).then_some(scheme)
}

fn is_known(key: &str) -> bool {
    KEYS.iter().any(|(known, _)| *known == key) || IGNORED.contains(&key) || UNSUPPORTED.contains(&key)
}

/// Whether a password with an unescaped `/` or `?` may have been cut in two: it always has an `@` behind it.
fn cuts_password(authority: &str, path: &str, query: &str) -> bool {
    if !authority.contains(':') {
        return false;
    }
    let is_whole = authority.contains('@') || is_port(split_port(authority).1);
    let is_setting = |pair: &str| pair.split_once('=').is_some_and(|(key, _)| is_known(key));
    path.contains('@') || query.contains('@') && !(is_whole && query.split('&').all(is_setting))
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.parse::<u16>().is_ok()
}

fn read_url(rest: &str, settings: &mut Settings, problems: &mut Vec<ConfigProblem>) {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if cuts_password(authority, path, query) {
        let reason = "has an `@` behind its first `/` or `?`: write `/`, `?` and `@` in a password as %2F, %3F \
                      and %40, or leave the password out and set PGPASSWORD; elsewhere write `@` as %40";
        problems.push(ConfigProblem::new("the URL", "", reason));
        if let Some((user, _)) = authority.split_once(':') {
            put_decoded("user", user, true, settings, problems);
        }
        return;
    }
    // Else it looks like `user:password` without the rest.
    let shows = authority.contains('@') || is_port(split_port(authority).1);
    let (credentials, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let (host, mut port) = split_port(address);
    if !shows {
        let reason = "has no number where the port should be (it is not shown, because it may be a password): \
                      write postgres://user:password@host:port/database";
        problems.push(ConfigProblem::new("the URL", "", reason));
        port = "";
    }
    for (key, encoded) in
        [("user", user), ("password", password), ("host", host), ("port", port), ("dbname", path)]
    {
        if !encoded.is_empty() {
            put_decoded(key, encoded, true, settings, problems);
        }
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some((key, value)) => put_decoded(key, value, shows, settings, problems),
            None if !shows => problems.push(ConfigProblem::new(HIDDEN_KEY, "", NOT_SHOWN)),
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

fn put_decoded(
    key: &str,
    encoded: &str,
    shows: bool,
    settings: &mut Settings,
    problems: &mut Vec<ConfigProblem>,
) {
    match percent_decoded(encoded) {
        Some(value) => settings.put(key, value, shows, problems),
        None if !shows && !is_known(key) => problems.push(ConfigProblem::new(HIDDEN_KEY, "", NOT_SHOWN)),
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
    // What comes behind a password may be its second half, when it has blanks and no quotation marks.
    let mut shows = true;
    while !rest.trim_start().is_empty() {
        rest = rest.trim_start();
        let Some((key, after)) = rest.split_once('=') else {
            if !shows {
                problems.push(ConfigProblem::new(HIDDEN_KEY, "", NOT_SHOWN));
                return;
            }
            let reason = "has no `=`; write key=value words or a postgres:// URL";
            problems.push(ConfigProblem::new("the word", first_word(rest), reason));
            return;
        };
        let key = key.trim_end();
        if key.contains(char::is_whitespace) {
            problems.push(match shows {
                true => ConfigProblem::new("the word", first_word(key), "has no `=`"),
                false => ConfigProblem::new(HIDDEN_KEY, "", NOT_SHOWN),
            });
        }
        let key = key.rsplit(char::is_whitespace).next().unwrap_or(key);
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('\'') {
            Some(quoted) => unescape(quoted, |character| character == '\''),
            None => unescape(after, char::is_whitespace),
        };
        rest = match (tail, after.starts_with('\'')) {
            (Some(tail), _) => tail,
            (None, false) => "",
            (None, true) => {
                let named = if shows || is_known(key) { key } else { HIDDEN_KEY };
                problems.push(ConfigProblem::new(named, "", "has a quotation mark that is not closed"));
                ""
            }
        };
        settings.put(key, value, shows, problems);
        shows &= key != "password";
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
    fn no_problem_repeats_a_piece_of_a_password() {
        for text in [
            "postgres://u:se/cret@h/d",
            "postgres://u:se?cret@h/d",
            "postgres://u:se?cret=1@h/d",
            "postgres://u:x@se/cret@h/d",
            "postgres://u:x@se?cret=y@h/d",
            "postgres://u:12/cret@h/d",
            "postgres://u:12?cret@h/d",
            "postgres://u:secret",
            "postgres://u:se?cret",
            "postgres://u:se?cret=%",
            "user=u password=my secret host=h",
            "user=u password=my cret=x host=h",
            "user=u password=my cret",
            "user=u password=my cret='x",
            "user=u password='it's cret' host=h",
            "user=u password=a://cret cret",
        ] {
            let mut problems = Vec::new();
            let settings = read(text, &|_| None, &mut problems);
            let all = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            assert!(!problems.is_empty() && all.contains("password"), "{text}: {all}");
            assert!(!all.contains("cret") && !all.contains("se`"), "{text}: {all}");
            // Neither do the problems that their meaning makes, nor the place that later errors name.
            for key in ["host", "port", "dbname", "user"] {
                assert!(!settings.get(key).is_some_and(|value| value.contains("cret")), "{text}: {key}");
            }
        }
    }

    #[test]
    fn an_at_sign_outside_of_a_password_is_nothing_special() {
        for (text, key, value) in [
            ("postgres://h:5432/d?user=me@there", "user", "me@there"),
            ("postgres://u:p@h/d?application_name=me@here", "application_name", "me@here"),
            ("postgres://u@h/a@b", "dbname", "a@b"),
        ] {
            let (settings, problems) = read_plain(text);
            assert_eq!(problems, [], "{text}");
            assert_eq!(settings.get(key), Some(value), "{text}");
        }
    }

    #[test]
    fn what_changes_nothing_is_passed_over() {
        assert_eq!(read_plain("user=u target_session_attrs=any client_encoding=utf8").1, []);
    }
}
