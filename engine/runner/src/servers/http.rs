//! The HTTP service of a run: where it is, whether it lets us in, and how it is described.

use super::{PATIENCE, Servers, look};
use crate::{
    error::{RunError, with_remedy},
    prepare::Prepared,
    wanted::WantedHttp,
};
use drivers::http::HttpConfig;
use model::runfile::Server;

impl Servers {
    /// Looks at the service and keeps how to talk to it.
    pub(super) fn open_http(&mut self, prepared: &Prepared, wanted: &WantedHttp) -> Result<(), RunError> {
        let config = match &self.embedded.service {
            None => wanted.config.clone(),
            Some(service) => {
                let mut words = wanted.settings.words.clone();
                words.url = Some(service.url());
                words.check().map_err(|error| RunError::server(with_remedy(&error.to_string())))?
            }
        };
        look::http(&config, PATIENCE)?;
        self.records.push(Server {
            embedded: wanted.service.is_some(),
            representative: prepared.target.representative.value,
            kind: wanted.service.clone().unwrap_or_else(|| "HTTP service".to_owned()),
            ..record(&config)
        });
        self.http = Some(config);
        Ok(())
    }
}

/// What the run file says of it. Headers are told by name: their values may be secrets.
fn record(config: &HttpConfig) -> Server {
    let version = config.version();
    let mut pool_mode = match config.connections() {
        None => format!("{version}, a connection for each request on its way"),
        Some(1) => format!("{version}, one connection for each core"),
        Some(shared) => format!("{version}, {shared} connections for each core"),
    };
    if config.is_insecure() {
        // Whoever reads a figure is to know it, wherever the figure is shown.
        pool_mode.push_str(", certificates not verified");
    }
    let mut record = Server {
        name: "http".to_owned(),
        endpoint: config.url().unwrap_or_else(|| "whole URLs of the script".to_owned()),
        client: "lean".to_owned(),
        pool_mode: Some(pool_mode),
        ..Server::default()
    };
    let headers = config.header_names().join(", ");
    if !headers.is_empty() {
        record.settings.insert("headers".to_owned(), headers);
    }
    record
}
