//! Which outcome an S3 error code, or else the bare HTTP status, stands for.

use model::outcome::Outcome;

use super::Ask;

/// The outcome of a request that was refused with `code` (the status itself where there is none).
pub(super) fn outcome_of(ask: Ask, code: &str, status: u16) -> Outcome {
    match code {
        "SlowDown"
        | "ServiceUnavailable"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "SlowDownRead"
        | "SlowDownWrite" => Outcome::Throttled,
        // There is nothing that could have the ETag that was asked for.
        "NoSuchKey" if ask == Ask::PutIf => Outcome::Conflict,
        "NoSuchKey" | "NoSuchVersion" => Outcome::Empty,
        "PreconditionFailed"
        | "ConditionalRequestConflict"
        | "OperationAborted"
        | "BucketAlreadyExists"
        | "BucketAlreadyOwnedByYou" => Outcome::Conflict,
        "RequestTimeout" => Outcome::Timeout,
        "NoSuchBucket"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
        | "ExpiredToken"
        | "InvalidToken"
        | "MissingSecurityHeader"
        | "RequestExpired" => Outcome::Error,
        _ => match status {
            429 | 503 => Outcome::Throttled,
            // A HEAD has no code: a bucket that is missing looks the same as a key that is.
            404 if ask == Ask::Head => Outcome::Empty,
            409 if ask == Ask::PutIf => Outcome::Conflict,
            412 => Outcome::Conflict,
            // A gateway that lost its server does not know what became of the request.
            502 | 504 if ask.changes_data() => Outcome::Ambiguous,
            400 | 411 | 413 | 414 | 416 | 422 => Outcome::Rejected,
            _ => Outcome::Error,
        },
    }
}
