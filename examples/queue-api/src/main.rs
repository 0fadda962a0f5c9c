//! The program `queue-api`: arguments, log, signals. What it serves is the library beside it.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::Parser;
use queue_api::Config;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

/// A priority queue over Postgres, in JSON over HTTP
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Where Postgres is; in the environment a password is not seen by who lists processes
    #[arg(long, value_name = "URL", env = "QUEUE_API_POSTGRES_URL", hide_env_values = true)]
    postgres_url: String,

    /// Connections to Postgres at most
    #[arg(long, value_name = "N", default_value = "16")]
    connections: NonZeroUsize,
}

#[tokio::main]
async fn main() -> ExitCode {
    // The log goes to standard error; RUST_LOG says how much of it.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            tracing::error!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// # Errors
/// Why it does not serve, in one sentence.
async fn run(args: Args) -> Result<(), String> {
    let (ask, mut asked) = watch::channel(false);
    let listening = ctrlc::set_handler(move || {
        // The receiver is gone when the service has ended already.
        let _ = ask.send(true);
    });
    listening.map_err(|error| format!("Ctrl-C cannot be caught: {error}"))?;

    let connections = args.connections.get();
    let config = Config { postgres_url: args.postgres_url, connections, ..Config::default() };
    let service = queue_api::open(&config).await.map_err(|error| error.to_string())?;
    let cannot_listen = |error| format!("cannot listen on {}: {error}", args.listen);
    let listener = TcpListener::bind(args.listen).await.map_err(cannot_listen)?;
    tracing::info!("listening on http://{}", listener.local_addr().map_err(cannot_listen)?);

    let until = async move {
        // The sender lives in the handler, which is never taken away.
        let _ = asked.wait_for(|asked| *asked).await;
        tracing::info!("ending: what is being answered is answered");
    };
    service.serve(listener, until).await.map_err(cannot_listen)
}
