//! The deletion of many objects in one request (DeleteObjects): what is sent, and what comes back.

use quick_xml::escape::escape;

use super::{NAMESPACE, Step, XmlProblem, walk};

/// An object that was to be deleted and was not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Undeleted {
    pub(crate) key: String,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// Whether XML 1.0 can hold a key and gives it back unchanged: no control characters, no non-characters.
pub(crate) fn can_hold(key: &str) -> bool {
    !key.chars().any(|c| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}'))
}

/// The document that asks for the deletion of `keys`, all of which XML can hold. The answer is to name only
/// what was not deleted.
pub(crate) fn document(keys: &[&str]) -> String {
    let mut text = format!("<Delete xmlns=\"{NAMESPACE}\"><Quiet>true</Quiet>");
    for key in keys {
        text.push_str("<Object><Key>");
        text.push_str(&escape(*key));
        text.push_str("</Key></Object>");
    }
    text.push_str("</Delete>");
    text
}

/// Reads a `<DeleteResult>`: what was not deleted.
pub(crate) fn undeleted(body: &[u8]) -> Result<Vec<Undeleted>, XmlProblem> {
    let mut found: Vec<Undeleted> = Vec::new();
    walk(body, "DeleteResult", |step| {
        match step {
            Step::Open { depth: 2, name: b"Error" } => found.push(Undeleted::default()),
            Step::Close { depth: 3, parent: b"Error", name, text } => {
                let one = found.last_mut().ok_or(XmlProblem::Content("a reason stands outside <Error>"))?;
                match name {
                    b"Key" => one.key = std::mem::take(text),
                    b"Code" => one.code = text.trim().to_owned(),
                    b"Message" => one.message = text.trim().to_owned(),
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    checked(found)
}

/// What was not deleted, if every one of them says which and why.
pub(crate) fn checked(found: Vec<Undeleted>) -> Result<Vec<Undeleted>, XmlProblem> {
    if found.iter().any(|one| one.key.is_empty() || one.code.is_empty()) {
        return Err(XmlProblem::Content("it does not say which object was not deleted, or why"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_as_xml_wants_them() {
        assert_eq!(
            document(&["a&b", "<c> \"'"]),
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>\
             <Object><Key>a&amp;b</Key></Object><Object><Key>&lt;c&gt; &quot;&apos;</Key></Object></Delete>"
        );
        for (key, fits) in [("plain/ü🦀+%", true), ("tab\t", false), ("\u{1}", false), ("\u{FFFE}", false)]
        {
            assert_eq!(can_hold(key), fits, "{key:?}");
        }
    }

    #[test]
    fn what_was_not_deleted_is_read_and_the_rest_passed_over() {
        let text = "<?xml version=\"1.0\"?>\n<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key> b&amp;</Key>\
                    <Code>AccessDenied</Code><Message>No.</Message><VersionId/></Error></DeleteResult>";
        let wanted = Undeleted { key: " b&".into(), code: "AccessDenied".into(), message: "No.".into() };
        assert_eq!(undeleted(text.as_bytes()), Ok(vec![wanted]));
        assert_eq!(undeleted(b"<DeleteResult/>"), Ok(Vec::new()));
        assert_eq!(undeleted(b"<Error/>").unwrap_err().to_string(), "its root element is <Error>");
        assert!(undeleted(b"").is_err());
        let nameless = b"<DeleteResult><Error><Code>AccessDenied</Code></Error></DeleteResult>";
        assert!(undeleted(nameless).unwrap_err().to_string().contains("which object"));
    }
}
