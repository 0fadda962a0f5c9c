//! What the SDK's errors mean, found in what they carry: a raw reply where there was one, and otherwise a
//! chain of causes with hyper and a socket at its end.

use std::error::Error;
use std::io;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::error::SdkError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::io_class::io_class;
use crate::s3::meaning::{Ask, Place, Refusal};
use crate::s3::reply::S3Reply;
use crate::s3::xml::{self, XmlProblem};

/// What an error of the SDK means.
pub(super) fn meaning<E: Error + 'static>(
    place: &Place,
    ask: Ask,
    error: &SdkError<E, HttpResponse>,
    timeout: Duration,
) -> S3Reply {
    if let Some(raw) = error.raw_response() {
        let status = raw.status().as_u16();
        // A body that is not there was cut short on its way.
        let Some(body) = raw.body().bytes() else { return lost(place, ask, error) };
        // A refusal may come with the status of a success.
        if !raw.status().is_success() || xml::error_document(body).is_some() {
            let (region, date) = (raw.headers().get("x-amz-bucket-region"), raw.headers().get("date"));
            return place.refused(ask, &Refusal { status, region, date, now: SystemTime::now(), body });
        }
        // A success the SDK could not read: say why, as our own reader sees it.
        let problem = match ask {
            Ask::List => xml::listing::page(body).err(),
            Ask::Delete => xml::deletion::undeleted(body).err(),
            Ask::BeginUpload => xml::upload::begun(body).err(),
            Ask::CompleteUpload => xml::upload::completed(body).err(),
            _ => None,
        };
        let problem = problem.unwrap_or(XmlProblem::Content("the SDK does not understand it"));
        return place.unreadable(ask, status, body, &problem);
    }
    match error {
        SdkError::TimeoutError(_) => place.timed_out(ask, true, timeout),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(connector) if connector.is_timeout() => place.timed_out(ask, false, timeout),
            Some(connector) => lost(place, ask, connector),
            None => lost(place, ask, error),
        },
        other => place.unusable(&format!("the SDK could not make the request: {}", last_cause(other))),
    }
}

/// What became of a connection, from the causes an error gives.
pub(super) fn lost(place: &Place, ask: Ask, error: &(dyn Error + 'static)) -> S3Reply {
    if let Some(tls) = cause::<rustls::Error>(error) {
        return place.untrusted(&tls.to_string());
    }
    let is_connecting = cause::<hyper_util::client::legacy::Error>(error)
        .is_some_and(hyper_util::client::legacy::Error::is_connect);
    let socket = cause::<io::Error>(error);
    if is_connecting {
        return match socket {
            Some(socket) => place.unreachable(socket),
            None => place.unreachable(&io::Error::other(last_cause(error))),
        };
    }
    if cause::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        return place.not_http(ask, true, &last_cause(error));
    }
    place.lost(ask, true, socket.map_or("unexpected_eof", io_class), &last_cause(error))
}

/// The first cause of a type, the error itself included. An I/O error's own inner error is a cause too: TLS
/// hides there.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref::<E>())
}

fn last_cause(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn Error + 'static)| {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}
