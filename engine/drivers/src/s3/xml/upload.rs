//! The documents of an upload in parts: its beginning and its completion.

use quick_xml::escape::escape;

use super::{NAMESPACE, Step, XmlProblem, walk};
use crate::s3::etag::ETag;

/// Reads an `<InitiateMultipartUploadResult>`: the upload's id.
pub(crate) fn begun(body: &[u8]) -> Result<String, XmlProblem> {
    let id = word(body, "InitiateMultipartUploadResult", b"UploadId")?;
    id.filter(|id| !id.is_empty()).ok_or(XmlProblem::Content("it names no upload"))
}

/// Reads a `<CompleteMultipartUploadResult>`: the object's ETag.
pub(crate) fn completed(body: &[u8]) -> Result<ETag, XmlProblem> {
    etag_of(word(body, "CompleteMultipartUploadResult", b"ETag")?.as_deref())
}

/// The ETag that a completion gives.
pub(crate) fn etag_of(text: Option<&str>) -> Result<ETag, XmlProblem> {
    text.filter(|etag| !etag.is_empty()).map(ETag::from).ok_or(XmlProblem::Content("it gives no ETag"))
}

/// The document that puts the parts of an upload together, in the order of their numbers, which count from 1.
pub(crate) fn completion(parts: &[ETag]) -> String {
    let mut text = format!("<CompleteMultipartUpload xmlns=\"{NAMESPACE}\">");
    for (number, etag) in (1..).zip(parts) {
        let etag = escape(etag.as_str());
        text.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"));
    }
    text.push_str("</CompleteMultipartUpload>");
    text
}

/// The text of one element right below the root.
fn word(body: &[u8], root: &str, wanted: &[u8]) -> Result<Option<String>, XmlProblem> {
    let mut found = None;
    walk(body, root, |step| {
        if let Step::Close { depth: 2, name, text, .. } = step
            && name == wanted
        {
            found = Some(text.trim().to_owned());
        }
        Ok(())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_begins_with_an_id() {
        let text = "<InitiateMultipartUploadResult xmlns=\"x\"><Bucket>b</Bucket><Key>k</Key>\
                    <UploadId>a&amp;b/=</UploadId></InitiateMultipartUploadResult>";
        assert_eq!(begun(text.as_bytes()).as_deref(), Ok("a&b/="));
        let without = "<InitiateMultipartUploadResult><UploadId/></InitiateMultipartUploadResult>";
        assert_eq!(begun(without.as_bytes()).unwrap_err().to_string(), "it names no upload");
        assert_eq!(begun(b"<Error/>").unwrap_err().to_string(), "its root element is <Error>");
    }

    /// S3 sends blanks while it works, so that nobody in between gives the connection up.
    #[test]
    fn a_completion_may_come_after_blanks() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n  \n   <CompleteMultipartUploadResult>\
                    <ETag>&quot;abc-2&quot;</ETag></CompleteMultipartUploadResult>";
        assert_eq!(completed(text.as_bytes()), Ok(ETag::from("\"abc-2\"")));
        assert_eq!(completed(format!("   {text}").as_bytes()), Ok(ETag::from("\"abc-2\"")));
        let without = completed(b"<CompleteMultipartUploadResult/>");
        assert_eq!(without.unwrap_err().to_string(), "it gives no ETag");
        assert!(completed(b"<Error><Code>InternalError</Code></Error>").is_err());
        assert!(completed(b"   ").is_err());
    }

    #[test]
    fn parts_are_named_in_their_order() {
        let parts = [ETag::from("\"a\""), ETag::from("b")];
        assert_eq!(
            completion(&parts),
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag></Part>\
             <Part><PartNumber>2</PartNumber><ETag>b</ETag></Part></CompleteMultipartUpload>"
        );
    }
}
