//! Faults on the wire: imposed on the proxy before a server, watched, and lifted.

use std::time::Duration;

use drivers::wire::{Imposed, Proxy, Seen, WireFault};
use model::units::{format_bytes, format_count, format_duration};
use script::FaultServer;

use super::{FaultPlan, lasting};

/// How long connections that are reset may take to notice.
const SETTLE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(10);

/// Does it to everything between the load and a server.
///
/// # Errors
/// When nothing came of it.
pub(super) async fn wire(
    plan: &FaultPlan<'_>,
    (server, fault): (FaultServer, WireFault),
    lasts: Duration,
) -> Result<String, String> {
    let proxy =
        plan.detours.of(server).ok_or_else(|| format!("the load reaches {server} without a proxy"))?;
    let open = proxy.open();
    let imposed = proxy.impose(fault);
    if fault == WireFault::Reset {
        settled(proxy, &imposed, open).await;
    }
    if !lasts.is_zero() {
        lasting(plan, lasts).await;
    }
    finding(fault, imposed.seen())
}

/// Waits until those that were open have been reset; some may end by themselves meanwhile.
async fn settled(proxy: &Proxy, imposed: &Imposed, open: u64) {
    let all = async {
        while imposed.seen().reset < open && proxy.open() > 0 {
            tokio::time::sleep(LOOK).await;
        }
    };
    // Who has not noticed by then is not waited for.
    let _ = tokio::time::timeout(SETTLE, all).await;
}

fn finding(fault: WireFault, seen: Seen) -> Result<String, String> {
    let connections =
        |n: u64| if n == 1 { "1 connection".to_owned() } else { format!("{} connections", format_count(n)) };
    let bytes = format_bytes(seen.bytes as f64);
    match fault {
        WireFault::Reset if seen.reset + seen.refused == 0 => {
            Err("no connection was there to be reset".to_owned())
        }
        WireFault::Reset if seen.refused == 0 => Ok(format!("{} reset", connections(seen.reset))),
        WireFault::Reset => {
            Ok(format!("{} reset, and {} refused", connections(seen.reset), format_count(seen.refused)))
        }
        WireFault::Cut if seen.bytes + seen.held == 0 => Err("nobody sent anything meanwhile".to_owned()),
        WireFault::Cut if seen.held == 0 => Ok(format!("{bytes} were held back")),
        WireFault::Cut => Ok(format!("{bytes} and {} were held back", connections(seen.held))),
        _ if seen.bytes == 0 => Err("nothing was sent meanwhile".to_owned()),
        WireFault::Latency { .. } => Ok(format!("{bytes} were delayed")),
        WireFault::Bandwidth { .. } => Ok(format!("{bytes} went through the narrow link")),
    }
}

/// What happens, for the time axis.
pub(super) fn in_words(server: FaultServer, fault: WireFault, lasts: Duration) -> String {
    let time = format_duration;
    let link = format!("fault: between the load and {server}");
    match fault {
        WireFault::Latency { delay, jitter } if jitter.is_zero() => {
            format!("{link} a round trip takes {} longer for {}", time(delay), time(lasts))
        }
        WireFault::Latency { delay, jitter } => {
            format!("{link} a round trip takes {} ± {} longer for {}", time(delay), time(jitter), time(lasts))
        }
        WireFault::Bandwidth { bytes_per_s } => {
            format!(
                "{link} no more than {}/s get through for {}",
                format_bytes(bytes_per_s as f64),
                time(lasts)
            )
        }
        WireFault::Cut => format!("{link} nothing gets through for {}", time(lasts)),
        WireFault::Reset if lasts.is_zero() => format!("{link} all connections are reset"),
        WireFault::Reset => format!("{link} all connections are reset for {}", time(lasts)),
    }
}
