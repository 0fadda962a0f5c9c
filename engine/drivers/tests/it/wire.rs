//! The proxy passes everything on, whole and in order, and does to it what it is told to.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use drivers::Value;
use drivers::pg::{PgOptions, PoolMode, Postgres};
use drivers::wire::{Proxy, Upstream, WireFault};
use model::outcome::Outcome;

use crate::pg::server::{Server, ask_one, plain, run};

const PATIENCE: Duration = Duration::from_secs(60);

/// A server that sends back what it gets, and its own end when it got one.
struct Echo {
    port: u16,
    heard: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Echo {
    fn start() -> Echo {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let echo = Echo { port, heard: Arc::default(), ended: Arc::default() };
        let (heard, ended) = (Arc::clone(&echo.heard), Arc::clone(&echo.ended));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, heard, ended) = (stream.unwrap(), Arc::clone(&heard), Arc::clone(&ended));
                thread::spawn(move || {
                    let mut buffer = vec![0; 64 * 1024];
                    while let Ok(read @ 1..) = stream.read(&mut buffer) {
                        heard.fetch_add(read, Ordering::SeqCst);
                        if stream.write_all(&buffer[..read]).is_err() {
                            break;
                        }
                    }
                    let _ = stream.shutdown(Shutdown::Write);
                    ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        echo
    }

    fn behind_proxy(&self) -> Proxy {
        Proxy::start(Upstream::Tcp("127.0.0.1".to_owned(), self.port)).unwrap()
    }
}

fn client(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Bytes of which no stretch is like another.
fn bytes(length: usize) -> Vec<u8> {
    (0..length as u64).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

/// Sends all of it on a thread, and gives back as many bytes as come.
fn there_and_back(stream: &TcpStream, sent: &[u8]) -> Vec<u8> {
    let (mut writer, mut reader) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
    thread::scope(|scope| {
        scope.spawn(move || writer.write_all(sent).unwrap());
        let mut back = vec![0; sent.len()];
        reader.read_exact(&mut back).unwrap();
        back
    })
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// How the first thing that is tried on a connection fails.
fn fails(stream: &mut TcpStream) -> ErrorKind {
    match stream.write_all(b"x").and_then(|()| stream.read_exact(&mut [0])) {
        Ok(()) => panic!("it works"),
        Err(error) => error.kind(),
    }
}

const RESETS: [ErrorKind; 2] = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];

#[test]
fn everything_passes_whole_and_a_half_closed_connection_stays_half_open() {
    let echo = Echo::start();
    let proxy = echo.behind_proxy();
    let stream = client(&proxy);
    let sent = bytes(5_000_000);
    let (mut writer, mut reader) = (stream.try_clone().unwrap(), stream);
    let back = thread::scope(|scope| {
        let sent = &sent;
        scope.spawn(move || {
            writer.write_all(sent).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut back = Vec::new();
        reader.read_to_end(&mut back).unwrap();
        back
    });
    assert!(back == sent, "{} of {} bytes came back", back.len(), sent.len());
    wait_until("the connection is over", || proxy.open() == 0);
}

#[test]
fn who_does_not_read_is_not_written_to_for_ever() {
    // A server that takes the connection and then nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let proxy = Proxy::start(Upstream::Tcp("127.0.0.1".to_owned(), port)).unwrap();
    let mut stream = client(&proxy);
    let _taken = listener.accept().unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let piece = bytes(1_000_000);
    let blocked = (0..1_000).find_map(|_| stream.write_all(&piece).err());
    assert!(blocked.is_some(), "a gigabyte was taken in for somebody who reads nothing");
}

#[test]
fn a_round_trip_takes_the_delay_and_the_order_is_kept() {
    let echo = Echo::start();
    let proxy = echo.behind_proxy();
    let stream = client(&proxy);
    assert_eq!(there_and_back(&stream, b"calm"), b"calm");
    let delay = Duration::from_millis(50);
    let latency = proxy.impose(WireFault::Latency { delay, jitter: Duration::ZERO });
    for _ in 0..3 {
        let began = Instant::now();
        there_and_back(&stream, b"?");
        assert!(began.elapsed() >= delay, "{:?}", began.elapsed());
    }
    assert!(latency.seen().bytes >= 6);
    drop(latency);
    let _wavers = proxy.impose(WireFault::Latency { delay: delay / 5, jitter: delay / 5 });
    let sent = bytes(1_000_000);
    assert!(there_and_back(&stream, &sent) == sent, "another order");
}

#[test]
fn a_delay_is_a_line_and_takes_nothing_of_the_bandwidth() {
    let echo = Echo::start();
    let proxy = echo.behind_proxy();
    let mut stream = client(&proxy);
    there_and_back(&stream, b"there");
    let hour = Duration::from_secs(3_600);
    let latency = proxy.impose(WireFault::Latency { delay: hour, jitter: Duration::ZERO });
    // Far more than one piece is under way although none will arrive today.
    let sent = bytes(4_000_000);
    stream.write_all(&sent).unwrap();
    wait_until("all of it is under way", || latency.seen().bytes == sent.len() as u64);
    assert_eq!(echo.heard.load(Ordering::SeqCst), 5);
}

#[test]
fn a_narrow_link_is_shared_by_all() {
    let echo = Echo::start();
    let proxy = echo.behind_proxy();
    let streams = [client(&proxy), client(&proxy)];
    let narrow = proxy.impose(WireFault::Bandwidth { bytes_per_s: 100_000 });
    let sent = bytes(20_000);
    let began = Instant::now();
    thread::scope(|scope| {
        for stream in &streams {
            let sent = &sent;
            scope.spawn(move || assert!(there_and_back(stream, sent) == *sent));
        }
    });
    assert!(began.elapsed() >= Duration::from_millis(400), "{:?}", began.elapsed());
    assert_eq!(narrow.seen().bytes, 80_000, "both ways of both");
}

#[test]
fn a_cut_holds_everything_back_and_loses_nothing() {
    let echo = Echo::start();
    let proxy = echo.behind_proxy();
    let old = client(&proxy);
    there_and_back(&old, b"there");
    let cut = proxy.impose(WireFault::Cut);
    let new = client(&proxy);
    let sent = bytes(1_000_000);
    let (old, new, sent) = (&old, &new, &sent);
    thread::scope(|scope| {
        let both = [old, new].map(|stream| scope.spawn(move || there_and_back(stream, sent)));
        wait_until("both are held", || cut.seen().held == 1 && cut.seen().bytes == 1_000_000);
        assert_eq!(echo.heard.load(Ordering::SeqCst), 5, "nothing gets through");
        assert!(both.iter().all(|one| !one.is_finished()));
        drop(cut);
        for one in both {
            assert!(one.join().unwrap() == *sent, "it is not what was sent");
        }
    });
}

#[test]
fn a_reset_ends_all_connections_and_refuses_new_ones_while_it_lasts() {
    let echo = Echo::start();
    let proxy = echo.behind_proxy();
    let mut old = client(&proxy);
    there_and_back(&old, b"there");
    let reset = proxy.impose(WireFault::Reset);
    wait_until("it is reset", || reset.seen().reset == 1);
    assert!(RESETS.contains(&fails(&mut old)));
    assert!(RESETS.contains(&fails(&mut client(&proxy))));
    wait_until("it is refused", || reset.seen().refused == 1);
    drop(reset);
    assert_eq!(there_and_back(&client(&proxy), b"again"), b"again");
    wait_until("the server has seen the end of both", || echo.ended.load(Ordering::SeqCst) == 2);
}

#[test]
fn faults_add_up_and_are_lifted_one_by_one() {
    let echo = Echo::start();
    let proxy = echo.behind_proxy();
    let stream = client(&proxy);
    let delay = Duration::from_millis(30);
    let one = proxy.impose(WireFault::Latency { delay, jitter: Duration::ZERO });
    let other = proxy.impose(WireFault::Latency { delay, jitter: Duration::ZERO });
    let trip = || {
        let began = Instant::now();
        there_and_back(&stream, b"?");
        began.elapsed()
    };
    assert!(trip() >= 2 * delay);
    drop(one);
    assert!(trip() >= delay);
    let before = other.seen().bytes;
    drop(other);
    let nothing = proxy.impose(WireFault::Reset);
    assert_eq!((before, nothing.seen().bytes), (4, 0));
}

#[test]
fn a_server_that_is_away_ends_the_connection() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let proxy = Proxy::start(Upstream::Tcp("127.0.0.1".to_owned(), nobody)).unwrap();
    assert!(RESETS.contains(&fails(&mut client(&proxy))));
}

#[test]
fn nothing_of_it_is_left_when_it_is_dropped() {
    let echo = Echo::start();
    let proxy = echo.behind_proxy();
    let address = proxy.address();
    let mut stream = client(&proxy);
    there_and_back(&stream, b"there");
    let _held = proxy.impose(WireFault::Cut);
    drop(proxy);
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)), "the connection is over");
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    wait_until("the server has seen the end", || echo.ended.load(Ordering::SeqCst) == 1);
}

#[test]
fn a_postgres_on_a_socket_is_reached_in_every_mode_and_its_cuts_are_told() {
    let server = Server::start();
    let socket = server.config().place().socket_path().unwrap();
    for mode in [PoolMode::Dedicated, PoolMode::Pipelined { connections: 2 }, PoolMode::Pooled { size: 2 }] {
        let proxy = Proxy::start(Upstream::Unix(socket.clone())).unwrap();
        let config = server.config().with_detour(Some(proxy.address()));
        run(async {
            let postgres =
                Postgres::new(config, mode, PgOptions { timeout: PATIENCE, ..PgOptions::default() }).unwrap();
            let session = postgres.session();
            assert_eq!(ask_one(&session, "SELECT 41 + 1", &[]).await, Value::Int(42));
            assert!(proxy.open() > 0, "it went past the proxy");
            let delay = Duration::from_millis(50);
            let latency = proxy.impose(WireFault::Latency { delay, jitter: Duration::ZERO });
            let reply = session.run(&plain("SELECT 1"), &[]).await;
            assert!(reply.is_ok() && u128::from(reply.service_ns) >= delay.as_nanos(), "{reply:?}");
            drop(latency);
            let reset = proxy.impose(WireFault::Reset);
            let refused = session.run(&plain("SELECT 1"), &[]).await;
            assert!(matches!(refused.outcome, Outcome::Error | Outcome::Ambiguous), "{mode:?} {refused:?}");
            drop(reset);
            let began = Instant::now();
            while !session.run(&plain("SELECT 1"), &[]).await.is_ok() {
                assert!(began.elapsed() < PATIENCE, "it does not come back");
            }
        });
    }
}
