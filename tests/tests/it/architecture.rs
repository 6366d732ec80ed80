//! The rules of ARCHITECTURE.md that can be read off the workspace, or off a
//! daemon at work.

use std::collections::BTreeSet;
use std::path::Path;

use crate::harness::Home;

/// The workspace's own crates that a crate's manifest names.
fn dependencies(folder: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let manifest = std::fs::read_to_string(root.join(folder).join("Cargo.toml")).unwrap();
    let mut section = "";
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        }
        // What tests alone use binds nobody.
        if section == "[dependencies]"
            && let Some(name) = line.strip_prefix("framewright-")
        {
            found.insert(name.split(['.', ' ']).next().unwrap().to_owned());
        }
    }
    found
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn the_ground_floor_stands_on_nothing() {
    for folder in [
        "sdk/protocol",
        "daemon/boards",
        "daemon/canvas",
        "daemon/kernels",
        "daemon/jobs",
        "daemon/story",
        "daemon/endpoints",
    ] {
        assert_eq!(dependencies(folder), names(&[]), "{folder}");
    }
}

#[test]
fn only_the_daemon_knows_both_the_wire_and_the_engine() {
    assert_eq!(dependencies("daemon/engine"), names(&["kernels"]));
    // Manifests of shots and characters hold what prompts mean by them.
    assert_eq!(dependencies("daemon/library"), names(&["story"]));
    assert_eq!(dependencies("sdk/client"), names(&["protocol"]));
    assert_eq!(dependencies("plugins/cli"), names(&["client", "protocol"]));
    let daemon = dependencies("daemon");
    assert!(
        daemon.is_superset(&names(&["engine", "jobs", "library", "protocol", "story"])),
        "{daemon:?}"
    );
}

#[test]
fn the_daemon_opens_no_network_socket() {
    let home = Home::new();
    home.run(&["generate", "a fox", "--model", "tiny", "-o", "frame.png"])
        .ok();
    // A language model that is configured and not named is not asked.
    let add = ["planner", "add", "local", "http://127.0.0.1:9/v1"];
    home.run(&[&add[..], &["--model", "m"]].concat()).ok();
    home.run(&["scene", "plan", "a fox crosses a street"]).ok();
    let process = format!("/proc/{}", home.pid().unwrap());
    let sockets: BTreeSet<String> = std::fs::read_dir(format!("{process}/fd"))
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter_map(|link| {
            let link = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(link.to_owned())
        })
        .collect();
    assert!(!sockets.is_empty(), "it listens somewhere");
    for table in ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"] {
        let Ok(table) = std::fs::read_to_string(format!("{process}/net/{table}")) else {
            continue;
        };
        for line in table.lines().skip(1) {
            let inode = line.split_whitespace().nth(9).unwrap_or_default();
            assert!(!sockets.contains(inode), "a network socket: {line}");
        }
    }
}

/// All files of an ending under a folder.
fn files(folder: &Path, ending: &str, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let skipped = ["target", "node_modules", ".git"];
            if !skipped.iter().any(|name| path.ends_with(name)) {
                files(&path, ending, found);
            }
        } else if path.to_str().is_some_and(|path| path.ends_with(ending)) {
            found.push(path);
        }
    }
}

#[test]
fn only_endpoints_know_a_network() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let endpoints = root.join("daemon/endpoints");
    let own = |path: &Path| path.starts_with(&endpoints) || path.starts_with(root.join("tests"));
    let (mut manifests, mut sources) = (Vec::new(), Vec::new());
    for folder in ["daemon", "sdk", "plugins"] {
        files(&root.join(folder), "Cargo.toml", &mut manifests);
        files(&root.join(folder), ".rs", &mut sources);
    }
    assert!(manifests.len() > 5 && sources.len() > 50);
    let clients = [
        "hyper",
        "reqwest",
        "ureq",
        "isahc",
        "curl",
        "rustls",
        "tokio-rustls",
        "native-tls",
    ];
    for path in manifests.iter().filter(|path| !own(path)) {
        let manifest = std::fs::read_to_string(path).unwrap();
        for line in manifest.lines() {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            assert!(!clients.contains(&name), "{}: {line}", path.display());
        }
    }
    let words = ["TcpStream", "TcpListener", "UdpSocket", "TcpSocket"];
    for path in sources.iter().filter(|path| !own(path)) {
        let source = std::fs::read_to_string(path).unwrap();
        let word = words.iter().find(|word| source.contains(**word));
        assert_eq!(word, None, "{}", path.display());
    }
}
