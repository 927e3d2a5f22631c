//! The disk tier under the real program: restarts, and drills in which something breaks while clients ask.
//!
//! Each drill is short; with `RIMWARD_DRILLS=long` in the environment it goes on for many rounds. Those that need a
//! volume of their own mount one, which takes root; elsewhere they say that they were skipped.

mod origin;
mod volume;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rimward_tests::{Binary, Client, Files, fill, within};
use tokio::task::JoinSet;

use origin::{BodyOrigin, body};
use volume::Volume;

/// Objects that the drill with SIGKILL asks for.
const OBJECTS: usize = 67;

/// One of them: small, of some pages, of a megabyte.
fn target(index: usize) -> String {
    format!("/{index}?{}", [500, 20_000, 120_000, 1_200_000][index % 4])
}

fn rounds(short: usize, long: usize) -> usize {
    let wants_long = std::env::var("RIMWARD_DRILLS").is_ok_and(|drills| drills == "long");
    if wants_long { long } else { short }
}

fn config(origin: &BodyOrigin, files: &Files, folder: &std::path::Path, size: &str) -> String {
    let text = r#"
        [admin]
        address = "unix:{admin}"
        [log]
        access = false
        [cache]
        memory = "8MiB"
        disk = { path = "{folder}", size = "{size}" }
        max_object = "4MiB"
        [[listen]]
        address = "127.0.0.1:0"
        [origin.app]
        servers = ["{origin}"]
        [[site]]
        hosts = ["*"]
        origin = "app"
    "#;
    let admin = files.path("admin.sock");
    fill(
        text,
        &[
            ("admin", &admin.display()),
            ("folder", &folder.display()),
            ("size", &size),
            ("origin", &origin.address()),
        ],
    )
}

/// Asks for an object and holds it against what it has to be; whether it was a hit.
async fn ask(client: &mut Client, target: &str) -> Result<bool, rimward_tests::Broken> {
    let response = client.try_request(&format!("GET {target}")).await?;
    assert_eq!(response.status, 200, "{target}: {}", response.text());
    assert!(response.body == body(target), "{target} has a wrong body");
    Ok(response.cache_status().contains("; hit"))
}

/// What a metric of the edge's shows.
fn metric(files: &Files, name: &str) -> u64 {
    let mut admin = UnixStream::connect(files.path("admin.sock")).unwrap();
    admin
        .write_all(b"GET /metrics HTTP/1.0\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let mut metrics = String::new();
    admin.read_to_string(&mut metrics).unwrap();
    let mut lines = metrics.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = value.unwrap_or_else(|| panic!("there is no metric `{name}` in {metrics}"));
    value.parse().unwrap()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(what, wait).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_are_warm_after_a_restart_and_a_purge_holds() {
    let (files, origin) = (Files::new(), BodyOrigin::start().await);
    let text = config(&origin, &files, &files.path("cache"), "64MiB");
    let targets = [
        "/small?100",
        "/middle?90000",
        "/large?3000000",
        "/purged?100",
    ];
    let edge = Binary::run(&files, &text).await;
    let mut client = Client::connect(edge.address()).await;
    until("the disk", || metric(&files, "rimward_cache_disk_up") == 1).await;
    for target in targets {
        assert!(!ask(&mut client, target).await.unwrap());
    }
    let config_file = files.path("pop.toml");
    let url = "http://example.com/purged?100";
    let purged = Binary::command(&["purge", url, "--config", config_file.to_str().unwrap()]);
    assert!(purged.status.success(), "{purged:?}");
    edge.terminate();
    let (status, output) = edge.exit().await;
    assert!(status.success(), "{output}");

    let edge = Binary::run(&files, &text).await;
    until("the disk", || metric(&files, "rimward_cache_disk_up") == 1).await;
    let mut client = Client::connect(edge.address()).await;
    for target in targets {
        assert_eq!(
            ask(&mut client, target).await.unwrap(),
            target != "/purged?100",
            "{target}"
        );
    }
    assert_eq!(metric(&files, "rimward_cache_disk_hits_total"), 3);
    assert_eq!(origin.asked(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_serves_no_wrong_byte() {
    let (files, origin) = (Files::new(), BodyOrigin::start().await);
    let text = config(&origin, &files, &files.path("cache"), "48MiB");
    let mut hits = 0;
    for round in 0..rounds(4, 60) {
        let edge = Binary::run(&files, &text).await;
        until("the disk", || metric(&files, "rimward_cache_disk_up") == 1).await;
        let address = edge.address();
        let (answered, mut answers) = tokio::sync::watch::channel(0);
        let mut clients = JoinSet::new();
        for number in 0..6_usize {
            let answered = answered.clone();
            clients.spawn(async move {
                let mut client = Client::connect(address).await;
                let mut hits = 0;
                for step in 0.. {
                    // Each asks for the same objects in an order of its own, so that they come again.
                    let index = (step * (2 * number + 3) + number * 17) % OBJECTS;
                    // An error is the edge's end.
                    let Ok(hit) = ask(&mut client, &target(index)).await else {
                        break;
                    };
                    hits += usize::from(hit);
                    answered.send_modify(|count| *count += 1);
                }
                hits
            });
        }
        let enough = 60 + 37 * (round % 7);
        let waited = answers.wait_for(|count| *count >= enough);
        within("some answers", waited).await.unwrap();
        drop(edge);
        while let Some(ended) = clients.join_next().await {
            hits += ended.unwrap();
        }
    }
    assert!(hits > 0);
    // What the last process left is there, and all of it right.
    let edge = Binary::run(&files, &text).await;
    until("the disk", || metric(&files, "rimward_cache_disk_up") == 1).await;
    assert!(metric(&files, "rimward_cache_disk_objects") > 20);
    let mut client = Client::connect(edge.address()).await;
    for index in 0..OBJECTS {
        ask(&mut client, &target(index)).await.unwrap();
    }
    assert!(metric(&files, "rimward_cache_disk_hits_total") > 20);
    assert_eq!(metric(&files, "rimward_cache_disk_read_faults_total"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flipped_bytes_cost_a_fetch_and_nothing_else() {
    let (files, origin) = (Files::new(), BodyOrigin::start().await);
    let text = config(&origin, &files, &files.path("cache"), "64MiB");
    let targets: Vec<String> = (0..60)
        .map(|index| format!("/{index}?{}", 1000 + index * 2000))
        .collect();
    let edge = Binary::run(&files, &text).await;
    until("the disk", || metric(&files, "rimward_cache_disk_up") == 1).await;
    let mut client = Client::connect(edge.address()).await;
    for target in &targets {
        ask(&mut client, target).await.unwrap();
    }
    edge.terminate();
    edge.exit().await;
    for file in std::fs::read_dir(files.path("cache")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "segment") {
            let mut bytes = std::fs::read(&path).unwrap();
            for at in (1000..bytes.len()).step_by(400_001) {
                bytes[at] ^= 4;
            }
            std::fs::write(&path, bytes).unwrap();
        }
    }
    let edge = Binary::run(&files, &text).await;
    until("the disk", || metric(&files, "rimward_cache_disk_up") == 1).await;
    let mut client = Client::connect(edge.address()).await;
    let mut hits = 0;
    for target in &targets {
        hits += usize::from(ask(&mut client, target).await.unwrap());
    }
    assert!(hits > 20 && hits < targets.len(), "{hits}");
    assert!(metric(&files, "rimward_cache_disk_read_faults_total") > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_cuts_no_response() {
    let (files, origin) = (Files::new(), BodyOrigin::start().await);
    let Some(volume) = Volume::of_megabytes(&files, 12) else {
        return;
    };
    // The edge is told that it may take far more than there is.
    let text = config(&origin, &files, &volume.path().join("cache"), "64MiB");
    let edge = Binary::run(&files, &text).await;
    until("the disk", || metric(&files, "rimward_cache_disk_up") == 1).await;
    let address = edge.address();
    for _ in 0..rounds(1, 20) {
        let mut clients = JoinSet::new();
        for number in 0..4 {
            clients.spawn(async move {
                let mut client = Client::connect(address).await;
                for index in 0..20 {
                    let length = if index % 2 == 0 { 1_000_000 } else { 30_000 };
                    ask(&mut client, &format!("/{}?{length}", index * 4 + number))
                        .await
                        .unwrap();
                    ask(&mut client, &format!("/{}?{length}", index * 4 + number))
                        .await
                        .unwrap();
                }
            });
        }
        while let Some(ended) = clients.join_next().await {
            ended.unwrap();
        }
    }
    // It holds what the volume holds, and goes on storing.
    until("the disk", || metric(&files, "rimward_cache_disk_up") == 1).await;
    assert!(metric(&files, "rimward_cache_disk_evictions_total") > 0);
    let mut client = Client::connect(address).await;
    ask(&mut client, "/again?1000000").await.unwrap();
    assert!(ask(&mut client, "/again?1000000").await.unwrap());
    assert_eq!(metric(&files, "rimward_cache_disk_read_faults_total"), 0);
    // Something else takes the rest; the next edge gives up files of its own to begin.
    drop(edge);
    volume.fill();
    let edge = Binary::run(&files, &text).await;
    until("the disk", || metric(&files, "rimward_cache_disk_up") == 1).await;
    let mut client = Client::connect(edge.address()).await;
    for index in 0..30 {
        ask(&mut client, &format!("/{index}?1000000"))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_can_not_be_written_is_gone_around_until_it_can() {
    let (files, origin) = (Files::new(), BodyOrigin::start().await);
    let Some(volume) = Volume::of_megabytes(&files, 64) else {
        return;
    };
    let folder = volume.path().join("cache");
    let text = config(&origin, &files, &folder, "32MiB");
    let mut edge = Binary::run(&files, &text).await;
    until("the disk", || metric(&files, "rimward_cache_disk_up") == 1).await;
    let mut client = Client::connect(edge.address()).await;
    ask(&mut client, "/before?1000000").await.unwrap();
    volume.forbid_new_files(&folder, true);
    // A large object needs a file of its own.
    ask(&mut client, "/while?2000000").await.unwrap();
    edge.says("goes on without its disk").await;
    assert_eq!(metric(&files, "rimward_cache_disk_up"), 0);
    assert!(metric(&files, "rimward_cache_disk_write_faults_total") > 0);
    assert!(
        ask(&mut client, "/before?1000000").await.unwrap(),
        "what is there can be read"
    );
    ask(&mut client, "/while?2000000").await.unwrap();
    volume.forbid_new_files(&folder, false);
    until("the disk", || metric(&files, "rimward_cache_disk_up") == 1).await;
    // What the writer has no time for is not stored, so that one of the next is.
    within("an object is stored again", async {
        while !ask(&mut client, "/after?2000000").await.unwrap() {}
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_that_vanishes_is_missed_and_taken_back() {
    let (files, origin) = (Files::new(), BodyOrigin::start().await);
    let Some(volume) = Volume::of_megabytes(&files, 64) else {
        return;
    };
    let folder = volume.path().join("cache");
    let text = config(&origin, &files, &folder, "32MiB");
    let mut edge = Binary::run(&files, &text).await;
    until("the disk", || metric(&files, "rimward_cache_disk_up") == 1).await;
    let mut client = Client::connect(edge.address()).await;
    ask(&mut client, "/large?1000000").await.unwrap();
    let elsewhere = volume.take_away();
    edge.says("goes on without its disk").await;
    for target in ["/large?1000000", "/new?1000000", "/small?10"] {
        ask(&mut client, target).await.unwrap();
    }
    // Nothing is written where the volume was mounted.
    assert!(!folder.join("purges").exists());
    volume.bring_back(elsewhere);
    until("the disk", || metric(&files, "rimward_cache_disk_up") == 1).await;
    assert!(metric(&files, "rimward_cache_disk_objects") > 0);
    for target in ["/large?1000000", "/new?1000000", "/small?10"] {
        ask(&mut client, target).await.unwrap();
    }
}
