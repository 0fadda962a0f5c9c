//! Temporary keys that are renewed before they end, on a thread beside the load, once for all who sign with them.
//!
//! The thread ends with the last of them. Renewal that fails is tried again until the keys end, and after.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use super::Keys;
use super::chain::Asking;

/// How long before their end keys are renewed, unless they last less than twice as long.
const AHEAD: Duration = Duration::from_secs(300);
/// Bounds of the pause before another attempt.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The keys of the moment.
#[derive(Debug)]
pub(crate) struct Kept {
    keys: Mutex<Arc<Keys>>,
    /// Hangs up when this goes, and the thread with it.
    _alive: Sender<()>,
}

impl Kept {
    /// Begins to renew `keys` with whatever `asking` brings.
    pub(super) fn renewing(keys: Keys, asking: Asking) -> Arc<Self> {
        let (kept, gone) = Self::holding(keys);
        let renewed = Arc::downgrade(&kept);
        let thread = std::thread::Builder::new()
            .name("s3-keys".to_owned())
            .spawn(move || renew(&renewed, &gone, || asking.ask()));
        if let Err(error) = thread {
            tracing::warn!("temporary keys will not be renewed, because there is no thread for it: {error}");
        }
        kept
    }

    /// Keys that somebody else renews until the other end tells that nobody has them any more.
    fn holding(keys: Keys) -> (Arc<Self>, Receiver<()>) {
        let (alive, gone) = mpsc::channel();
        (Arc::new(Kept { keys: Mutex::new(Arc::new(keys)), _alive: alive }), gone)
    }

    pub(crate) fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, keys: Keys) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

fn renew(kept: &Weak<Kept>, gone: &Receiver<()>, ask: impl Fn() -> Result<Keys, String>) {
    let mut since = SystemTime::now();
    loop {
        let Some(keys) = kept.upgrade().map(|kept| kept.current()) else { return };
        // Keys that do not end need no renewal, and none would come.
        let Some(ends_at) = keys.expires_at else { return };
        let pause = pause(since, ends_at, SystemTime::now());
        // Not for longer, because the clock may be set, or the machine asleep.
        match gone.recv_timeout(pause.min(LONGEST_PAUSE)) {
            Err(RecvTimeoutError::Timeout) if pause > LONGEST_PAUSE => continue,
            Err(RecvTimeoutError::Timeout) => {}
            _ => return,
        }
        match ask() {
            // Nobody has others yet.
            Ok(found) if found.expires_at == keys.expires_at => {}
            Ok(found) => {
                since = SystemTime::now();
                let Some(kept) = kept.upgrade() else { return };
                kept.replace(found);
            }
            Err(reason) => tracing::warn!("temporary keys could not be renewed: {reason}"),
        }
    }
}

/// How long to wait at `now` before asking for other keys than those had `since` then, which end at `ends_at`.
fn pause(since: SystemTime, ends_at: SystemTime, now: SystemTime) -> Duration {
    let lasts = ends_at.duration_since(since).unwrap_or_default();
    let ahead = AHEAD.min(lasts / 2);
    let left = ends_at.duration_since(now).unwrap_or_default();
    if left > ahead { left - ahead } else { (left / 4).clamp(SHORTEST_PAUSE, LONGEST_PAUSE) }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::s3::keys::KeyRing;
    use crate::s3::sign::{Payload, Signer};

    fn keys(access_key: &str, token: Option<&str>) -> Keys {
        Keys {
            access_key: access_key.to_owned(),
            secret_key: format!("secret of {access_key}"),
            session_token: token.map(str::to_owned),
            expires_at: Some(SystemTime::now() + Duration::from_millis(20)),
        }
    }

    #[test]
    fn a_signer_takes_other_keys_with_the_next_second() {
        let (kept, _gone) = Kept::holding(keys("FIRST", Some("token")));
        let signer = Signer::new(KeyRing::Renewed(Arc::clone(&kept)), "r", "h");
        let sign = |signer: &Signer, now_s| {
            let signed = signer.sign(now_s, "GET", b"/k", b"", &Payload { bytes: b"", is_signed: false });
            (signed.authorization, signed.security_token)
        };
        let first = sign(&signer, 7);
        kept.replace(keys("SECOND", None));
        assert_eq!(sign(&signer, 7), first);
        let second = sign(&signer, 8);
        // As one who never knew the first.
        let fresh = Signer::new(KeyRing::Fixed(Arc::new(keys("SECOND", None))), "r", "h");
        assert_eq!(second, sign(&fresh, 8));
        assert!(second.0.to_str().unwrap().contains("Credential=SECOND/") && second.1.is_none());
    }

    /// The thread of a renewal ends with the keys nobody uses any more, and with keys that do not end.
    #[test]
    fn renewal_ends_when_there_is_nothing_to_renew() {
        let (kept, gone) = Kept::holding(keys("FIRST", None));
        let asked = Cell::new(false);
        renew(&Arc::downgrade(&kept), &gone, || {
            assert!(!asked.replace(true), "what was found the first time did not end");
            Ok(Keys { expires_at: None, ..keys("SECOND", None) })
        });
        assert_eq!(kept.current().access_key, "SECOND");

        let (kept, gone) = Kept::holding(keys("FIRST", None));
        let weak = Arc::downgrade(&kept);
        drop(kept);
        renew(&weak, &gone, || panic!("nobody needs any"));
    }

    #[test]
    fn keys_are_renewed_well_before_they_end() {
        let begin = SystemTime::UNIX_EPOCH;
        let at = |s: u64| begin + Duration::from_secs(s);
        let pause_s = |lasts_s, now_s| pause(begin, at(lasts_s), at(now_s)).as_secs();
        // Of an hour five minutes are left, and of ten seconds half.
        assert_eq!((pause_s(3600, 0), pause_s(3600, 3000), pause_s(10, 0)), (3300, 300, 5));
        // Then it is tried again and again, more often towards the end and after it.
        assert_eq!((pause_s(3600, 3300), pause_s(3600, 3560), pause_s(3600, 3600)), (30, 10, 1));
        assert_eq!((pause_s(3600, 9999), pause_s(10, 9)), (1, 1));
        // Keys that had ended when they came.
        assert_eq!(pause(at(50), at(40), at(50)), SHORTEST_PAUSE);
    }
}
