//! HTTP services through the real binary: where one is, what is said of it, and what is refused before anything connects.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use model::outcome::Outcome;

use crate::support::{Place, ended};

/// A queue that counts: `POST …/items` adds one, `POST …/pop` takes one or says 204. Its threads end with the test.
pub(crate) struct Queue {
    pub(crate) url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Queue {
    pub(crate) fn start() -> Self {
        Self::that_waits_for(PathBuf::new())
    }

    /// Answers nobody while this file is there.
    pub(crate) fn that_waits_for(file: PathBuf) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        let (heads, depth) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(AtomicU64::new(0)));
        let noted = heads.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noted, depth, file) = (noted.clone(), depth.clone(), file.clone());
                // A connection that breaks ends its thread.
                thread::spawn(move || drop(serve(stream, &noted, &depth, &file)));
            }
        });
        Self { url, heads }
    }

    /// The lines of the requests that came, without what differs.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(
    stream: TcpStream,
    noted: &Mutex<Vec<String>>,
    depth: &AtomicU64,
    still: &Path,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut body)?;
        let reply = if head.starts_with("POST /api/v1/queues/jobs/items ") {
            let depth = depth.fetch_add(1, Ordering::SeqCst) + 1;
            let body = format!("{{\"depth\":{depth}}}");
            format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        } else if head.starts_with("POST /api/v1/queues/jobs/pop ") {
            let taken = depth.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |depth| depth.checked_sub(1));
            match taken {
                Ok(_) => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
                Err(_) => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            }
        } else {
            "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone".to_owned()
        };
        noted.lock().unwrap().push(head);
        while still.exists() {
            thread::sleep(Duration::from_millis(10));
        }
        stream.get_mut().write_all(reply.as_bytes())?;
    }
}

const JOBS: &str = r#"// Jobs
// Question: do jobs come and go?
fn options() {
    #{
        scenarios: #{ jobs: #{ executor: "shared-iterations", vus: 2, iterations: 40, exec: "work" } },
        http: #{ headers: #{ "x-own": "script" } },
        thresholds: #{ push: ["count > 39"], errors: ["rate < 1%"] },
    }
}
fn setup() {
    #{
        push: http::operation("push", #{ method: "POST", path: "/v1/queues/{}/items" }),
        pop: http::operation("pop", #{ method: "POST", path: "/v1/queues/{}/pop", empty: 204 }),
    }
}
fn work(vu) {
    let pushed = vu.shared.push.send(["jobs"], #{ item: vu.rng.item(200), priority: 0 });
    check(pushed.json.depth > 0, "its depth is told");
    vu.shared.pop.send(["jobs"]);
    vu.shared.pop.send(["jobs"]);
}
"#;

#[test]
fn a_service_of_a_flag_is_driven_recorded_and_told_of() {
    let (place, queue) = (Place::new(), Queue::start());
    place.file("s.rhai", JOBS);
    let ended = place.run(["run", "s.rhai", "--http-url", &queue.url]).expect(0);
    let shown = ended.stdout.replace(&queue.url, "[URL]");
    assert!(shown.contains("HTTP service, [URL], lean client, HTTP/1.1"), "{shown}");
    let run = place.run_file();
    let count = |name: &str, outcome: Outcome| {
        let mut ops = run.summary.iter().flat_map(|summary| &summary.ops);
        ops.find(|op| op.name == name && op.outcome == outcome).map_or(0, |op| op.latency.count)
    };
    assert_eq!(count("push", Outcome::Ok), 40);
    // Everything that was pushed was taken, and the rest found nothing.
    assert_eq!((count("pop", Outcome::Ok), count("pop", Outcome::Empty)), (40, 40));
    assert_eq!(queue.heads().len(), 120);
    assert!(queue.heads().iter().all(|head| head.contains("x-own: script")));
    let server = &run.servers[0];
    assert_eq!((server.name.as_str(), server.embedded), ("http", false));
    assert_eq!(server.settings["headers"], "x-own");
    assert!(run.command.windows(2).any(|words| words == ["--http-url", &queue.url]), "{:?}", run.command);
}

#[test]
fn a_target_says_where_it_is_and_its_secrets_are_nowhere_in_the_results() {
    let (place, queue) = (Place::new(), Queue::start());
    let target = format!(
        "targets:\n  mine:\n    http:\n      url: {}\n      headers: {{ x-own: target }}\n      headers_env: {{ authorization: MY_KEY }}\n",
        queue.url
    );
    place.file("s.rhai", JOBS).file("targets.yaml", target);
    let missing = place.run(["check", "s.rhai", "--target", "mine"]).expect(104);
    assert!(missing.stderr.contains("the variable MY_KEY is not set"), "{}", missing.stderr);
    let with_key = |args: &[&str]| {
        let mut command = place.command(args.iter().chain(&["--target", "mine"]));
        ended(command.env("MY_KEY", "Bearer hush").output().unwrap()).expect(0)
    };
    let shown = with_key(&["inspect", "s.rhai", "--json"]).stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let of_http: Vec<_> = shown["settings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|setting| setting["name"].as_str().unwrap().starts_with("http"))
        .map(|s| [&s["name"], &s["value"], &s["from"]].map(|it| it.as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(
        of_http,
        [
            ["http", &queue.url, "targets.yaml:4"],
            ["http version", "HTTP/1.1", "default"],
            ["http client", "lean", "default"],
            ["http headers", "x-own, authorization", "targets.yaml:5"],
        ]
    );
    let ended = with_key(&["run", "s.rhai"]);
    assert!(!ended.stdout.contains("hush") && !ended.stderr.contains("hush"));
    for entry in std::fs::read_dir(place.run_dir()).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("hush"), "{text}");
    }
    // The target's header wins over the script's.
    let heads = queue.heads();
    assert!(
        heads
            .iter()
            .all(|head| head.contains("authorization: Bearer hush") && head.contains("x-own: target"))
    );
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let place = Place::new();
    let target = "default: mine\ntargets:\n  mine:\n    http: { url: \"http://file\", http2: true }\n";
    place.file("s.rhai", JOBS).file("targets.yaml", target);
    let settings = |args: &[&str], variable: Option<&str>| {
        let mut command = place.command(["inspect", "s.rhai", "--json"].iter().chain(args));
        if let Some(url) = variable {
            command.env("SNAPBENCH_HTTP_URL", url);
        }
        let shown = ended(command.output().unwrap()).expect(0).stdout;
        let value: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let of = |name: &str| {
            let all = value["settings"].as_array().unwrap();
            all.iter().find(|setting| setting["name"] == name).unwrap()["value"].as_str().unwrap().to_owned()
        };
        (of("http"), of("http version"))
    };
    let told = |url: &str| (url.to_owned(), "HTTP/2".to_owned());
    assert_eq!(settings(&[], None), told("http://file"));
    assert_eq!(settings(&[], Some("http://env")), told("http://env"));
    assert_eq!(settings(&["--http-url", "http://flag"], Some("http://env")), told("http://flag"));
}

#[test]
fn what_makes_no_sense_is_told_before_anything_connects() {
    let place = Place::new();
    place.file("s.rhai", JOBS);
    let told = |args: &[&str], script: &str| {
        place.file("s.rhai", script);
        let ended = place.run(["run", "s.rhai"].iter().chain(args)).expect(104);
        assert!(place.run_dirs().is_empty());
        ended.stderr
    };
    let with =
        |options: &str| JOBS.replace("        http: #{ headers: #{ \"x-own\": \"script\" } },", options);
    let mut all = vec![
        told(&[], JOBS),
        told(&["--http-url", "ftp://x"], JOBS),
        told(&["--http-url", "http://user:hush@x/?a=1"], JOBS),
        told(
            &["--http-url", "http://x"],
            &with("        http: #{ connections: 4, timeot: \"1s\", service: \"queue\" },"),
        ),
        told(&["--http-url", "http://x"], &with("        http: #{ connections: 4 },")),
        told(&["--http-url", "http://x"], &with("        needs: [\"htttp\"],")),
    ];
    place.file("targets.yaml", "targets:\n  other:\n    postgres: { url: \"postgresql://u@h/d\" }\n");
    all.push(told(&["--target", "other"], JOBS));
    let target = "targets:\n  secret:\n    http:\n      \
                  urll: x\n      headers: { Authorization: hush, x-a: [1] }\n      insecure: maybe\n";
    place.file("targets.yaml", target);
    all.push(told(&["--target", "secret"], JOBS));
    let all = all.join("\n=====\n");
    assert!(!all.contains("user:hush"), "{all}");
    insta::assert_snapshot!(place.settled(&all));
}

#[test]
fn a_service_that_is_down_ends_it_before_the_load() {
    let place = Place::new();
    place.file("s.rhai", JOBS);
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let ended = place.run(["run", "s.rhai", "--http-url", &format!("http://127.0.0.1:{port}")]).expect(1);
    assert!(place.run_dirs().is_empty());
    insta::assert_snapshot!(ended.shown(&place).replace(&port.to_string(), "[PORT]"));
}

#[test]
fn what_a_run_needs_is_what_its_script_names() {
    let place = Place::new();
    // A library could talk to all of them; this run talks to none.
    let script = r#"
fn options() { #{ scenarios: #{ a: #{ executor: "shared-iterations", iterations: 1, exec: "work" } }, needs: [] } }
fn work(vu) { if vu.iteration < 0 { pg::query("SELECT 1", []); s3::get("k"); http::get("/x"); } }
"#;
    place.file("s.rhai", script);
    place.run(["run", "s.rhai"]).expect(0);
    assert!(place.run_file().servers.is_empty());
    place.file("s.rhai", script.replace("needs: []", "needs: [\"http\"]"));
    let told = place.run(["check", "s.rhai"]).expect(104).stderr;
    assert!(told.contains("nothing says where it is"), "{told}");
    place.file("s.rhai", script.replace("needs: []", "needs: [\"http\"], http: #{ service: \"queue-api\" }"));
    let shown = place.run(["inspect", "s.rhai"]).expect(0).stdout;
    assert!(shown.contains("embedded (queue-api)"), "{shown}");
    let checked = place.run(["check", "s.rhai"]).expect(0).stdout;
    assert!(checked.contains("http (embedded)"), "{checked}");
    let fresh = Place::new();
    fresh.file("s.rhai", script.replace("needs: []", "needs: [\"http\"], http: #{ service: \"queue-api\" }"));
    fresh.run(["run", "s.rhai"]).expect(0);
    let run = fresh.run_file();
    let servers: Vec<(&str, bool)> = run.servers.iter().map(|it| (it.name.as_str(), it.embedded)).collect();
    assert_eq!(servers, [("postgres", true), ("http", true)]);
    fresh.assert_nothing_is_left();
}
