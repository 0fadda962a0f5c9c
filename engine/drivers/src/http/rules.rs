//! Which outcome a status stands for: what HTTP says, and what a call says instead.
//!
//! Deliberately does not know what happens without a status (see `meaning`).

use http::Method;
use model::outcome::Outcome;

/// What a call says about statuses; whatever it does not name means what HTTP says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpRules(Vec<(u16, Outcome)>);

impl HttpRules {
    /// From now on `status` means `outcome`. Gives what it was said to mean already, if it was.
    pub fn set(&mut self, status: u16, outcome: Outcome) -> Option<Outcome> {
        let known = self.0.iter_mut().find(|(known, _)| *known == status);
        match known {
            Some((_, before)) => Some(std::mem::replace(before, outcome)),
            None => {
                self.0.push((status, outcome));
                None
            }
        }
    }

    /// The outcome of a request of that method whose reply has this status.
    pub(super) fn outcome(&self, method: &Method, status: u16) -> Outcome {
        let named = self.0.iter().find(|(named, _)| *named == status);
        named.map_or_else(|| usual(method, status), |(_, outcome)| *outcome)
    }
}

/// Whether somebody may see the service differ afterwards, so that a lost reply leaves a question open. Source: RFC 9110,
/// section 9.2.1, "Safe Methods".
pub(super) fn changes_something(method: &Method) -> bool {
    !method.is_safe()
}

fn usual(method: &Method, status: u16) -> Outcome {
    match status {
        200..=299 => Outcome::Ok,
        409 | 412 => Outcome::Conflict,
        429 | 503 => Outcome::Throttled,
        408 => Outcome::Timeout,
        400..=499 => Outcome::Rejected,
        // A gateway that lost its server does not know what became of the request.
        502 | 504 if changes_something(method) => Outcome::Ambiguous,
        _ => Outcome::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_means_what_the_table_says() {
        let rules = HttpRules::default();
        let told = |status| [Method::POST, Method::GET].map(|method| rules.outcome(&method, status));
        let both = |outcome| [outcome, outcome];
        assert_eq!([200, 204, 299].map(told), [both(Outcome::Ok); 3]);
        assert_eq!([409, 412].map(told), [both(Outcome::Conflict); 2]);
        assert_eq!([429, 503].map(told), [both(Outcome::Throttled); 2]);
        assert_eq!(told(408), both(Outcome::Timeout));
        assert_eq!([400, 404, 422, 499].map(told), [both(Outcome::Rejected); 4]);
        assert_eq!([502, 504].map(told), [[Outcome::Ambiguous, Outcome::Error]; 2]);
        assert_eq!([101, 301, 304, 500, 501, 599].map(told), [both(Outcome::Error); 6]);
    }

    #[test]
    fn what_a_call_says_wins_and_is_said_once() {
        let mut rules = HttpRules::default();
        assert_eq!(rules.set(404, Outcome::Empty), None);
        assert_eq!(rules.set(404, Outcome::Ok), Some(Outcome::Empty));
        assert_eq!(rules.outcome(&Method::GET, 404), Outcome::Ok);
        assert_eq!(rules.outcome(&Method::GET, 403), Outcome::Rejected);
    }
}
