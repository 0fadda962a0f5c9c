//! One core's client of a service, and of whatever else is asked for by its whole URL.
//!
//! Headers of the configuration and what it says about certificates are for the service alone: nobody else is shown
//! its keys. Deliberately does not know how a request is carried (see `site`).

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use super::config::HttpConfig;
use super::meaning::Place;
use super::reply::HttpReply;
use super::request::HttpRequest;
use super::site::Site;
use crate::net::{ConnectionUse, Origin, TrustError, ca_pem};

/// Sites beside the service that are kept connected; more are made from data, by a slip.
const MOST_SITES: usize = 100;

/// A client. Belongs to the thread, and to the runtime, that use it; clones share its connections. With HTTP/2 the
/// runtime must run local tasks.
#[derive(Clone)]
pub struct Http(Rc<Inner>);

struct Inner {
    config: HttpConfig,
    service: Option<Rc<Site>>,
    others: RefCell<HashMap<Origin, Rc<Site>>>,
}

impl Http {
    /// Makes the client. Reads the file of authorities; connects to nothing yet.
    ///
    /// # Errors
    /// When nobody can be trusted as the configuration says.
    pub fn open(config: &HttpConfig) -> Result<Self, TrustError> {
        let service = match &config.base {
            Some(base) => Some(Rc::new(Site::of_service(config, base)?)),
            None => {
                ca_pem(config.ca_file())?;
                None
            }
        };
        Ok(Http(Rc::new(Inner { config: config.clone(), service, others: RefCell::default() })))
    }

    /// What it was made from.
    pub fn config(&self) -> &HttpConfig {
        &self.0.config
    }

    /// How connections to the service were used so far; nothing without a service.
    pub fn connections(&self) -> Option<ConnectionUse> {
        self.0.service.as_ref().map(|site| site.usage())
    }

    /// Sends a request and waits for the whole reply.
    pub async fn send(&self, request: HttpRequest<'_>) -> HttpReply {
        match self.site(request.target.origin.as_ref()) {
            Ok(site) => site.send(request).await,
            Err(reply) => *reply,
        }
    }

    /// Connects to the service, and sends nothing. The connection is kept for the first request.
    ///
    /// # Errors
    /// Why there is no connection, with a remedy.
    pub async fn reach(&self) -> Result<(), String> {
        match &self.0.service {
            Some(site) => site.reach(self.0.config.timeout).await,
            None => Ok(()),
        }
    }

    fn site(&self, origin: Option<&Origin>) -> Result<Rc<Site>, Box<HttpReply>> {
        let Inner { config, service, others } = &*self.0;
        let is_of_service = |origin: &Origin| config.base.as_ref().is_some_and(|base| base.origin == *origin);
        let origin = match (origin, service) {
            (None, None) => return Err(Box::new(Place::nowhere())),
            (None, Some(site)) => return Ok(Rc::clone(site)),
            (Some(origin), Some(site)) if is_of_service(origin) => return Ok(Rc::clone(site)),
            (Some(origin), _) => origin,
        };
        let mut others = others.borrow_mut();
        if let Some(site) = others.get(origin) {
            return Ok(Rc::clone(site));
        }
        let made = Site::of_url(config, origin);
        let site = Rc::new(made.map_err(|error| Box::new(Place::unusable(&error)))?);
        if others.len() >= MOST_SITES {
            others.clear();
        }
        others.insert(origin.clone(), Rc::clone(&site));
        Ok(site)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("config", &self.0.config).finish_non_exhaustive()
    }
}
