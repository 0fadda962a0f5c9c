//! Starting children from one thread that lives as long as this process.
//!
//! On Linux a child can ask to be signalled when its parent dies (`PR_SET_PDEATHSIG`), but "parent" there means
//! the *thread* that forked it. A start may well happen on a short-lived thread, so all forks happen on this one.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};

use rustix::process::Signal;

struct Order {
    command: Command,
    reply: SyncSender<io::Result<Child>>,
}

/// Starts a command as leader of its own process group (Ctrl-C reaches snapbench alone). On Linux it gets
/// `on_parent_death` when this process ends in any way, as a second belt beside the guard.
pub(crate) fn spawn(mut command: Command, on_parent_death: Signal) -> io::Result<Child> {
    command.process_group(0);
    die_with_parent(&mut command, on_parent_death);
    forked_on_lasting_thread(command)
}

/// Starts a command in a session of its own, which no terminal can signal and which outlives this process.
pub(crate) fn spawn_detached(mut command: Command) -> io::Result<Child> {
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; setsid is one system call and
    // allocates nothing.
    unsafe {
        command.pre_exec(|| rustix::process::setsid().map(drop).map_err(io::Error::from));
    }
    forked_on_lasting_thread(command)
}

fn forked_on_lasting_thread(command: Command) -> io::Result<Child> {
    static ORDERS: OnceLock<Sender<Order>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| {
        let (sender, orders) = channel::<Order>();
        let forever = move || {
            for mut order in orders {
                // Nobody waits for the reply any more only when the asking thread is gone.
                let _ = order.reply.send(order.command.spawn());
            }
        };
        // Without the thread `send` fails below, which is reported there.
        let _ = std::thread::Builder::new().name("embed-spawner".into()).spawn(forever);
        sender
    });
    let no_thread = || io::Error::other("the thread that starts servers could not be started");
    let (reply, answer) = sync_channel(1);
    orders.send(Order { command, reply }).map_err(|_| no_thread())?;
    answer.recv().map_err(|_| no_thread())?
}

#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command, signal: Signal) {
    let parent = rustix::process::getpid();
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; both are single system calls and
    // nothing is allocated. The standard library changes the user before this runs, which matters because a
    // change of user clears the death signal.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(signal))?;
            // The parent may have died before the line above: then nobody would ever send it.
            if rustix::process::getppid() != Some(parent) {
                return Err(io::Error::from_raw_os_error(rustix::io::Errno::CHILD.raw_os_error()));
            }
            Ok(())
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command, _signal: Signal) {}
