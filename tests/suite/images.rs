//! `rimward image`: what the filter of that name does, from the command line.

use rimward_images::testing::{Sample, samples};
use rimward_images::{Kind, Limits, probe};
use rimward_tests::{Binary, Files, Origin, fill};

/// A file that can be read, in a folder of its own.
fn photo(files: &Files) -> String {
    let sample = samples()
        .into_iter()
        .find(|sample| sample.name == "progressive.jpg")
        .unwrap();
    let path = files.write("in.jpg", sample.bytes);
    path.to_str().unwrap().to_owned()
}

#[track_caller]
fn says(words: &[&str]) -> String {
    let output = Binary::command(&[&["image"], words].concat());
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn complains(words: &[&str]) -> String {
    let output = Binary::command(&[&["image"], words].concat());
    assert!(!output.status.success(), "{words:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn an_image_becomes_another_one() {
    let files = Files::new();
    let source = photo(&files);
    let made = |name: &str, words: &[&str]| {
        let output = files.path(name);
        let told = says(&[&[&source, "-o", output.to_str().unwrap()], words].concat());
        let bytes = std::fs::read(output).unwrap();
        let info = probe(&bytes, &Limits::default()).unwrap();
        (info.kind, info.width, info.height, told)
    };
    let (kind, width, height, told) = made("out.webp", &["--width", "16"]);
    assert_eq!((kind, width, height), (Kind::Webp, 16, 8));
    assert!(
        told.contains("out.webp: webp of 16x8, quality 85, "),
        "{told}"
    );
    // A format that is asked for wins over the name.
    let (kind, ..) = made("out.png", &["--format", "baseline-jpeg", "--quality", "50"]);
    assert_eq!(kind, Kind::Jpeg);
    let options = [
        "--options",
        "width=10,height=10,fit=cover,rotate=90",
        "--height",
        "20",
    ];
    let (kind, width, height, _) = made("out.gif", &options);
    assert_eq!((kind, width, height), (Kind::Gif, 10, 20));
    let draw = format!("url={source},width=8,left=0,top=0");
    let (_, width, ..) = made("drawn.png", &["--draw", &draw]);
    assert_eq!(width, 64);
    says(&[&source, "-o", files.path("out.avif").to_str().unwrap()]);
    assert_eq!(
        &std::fs::read(files.path("out.avif")).unwrap()[4..12],
        b"ftypavif"
    );
}

#[test]
fn a_description_is_json() {
    let files = Files::new();
    let told = says(&[&photo(&files), "--format", "json", "--width", "16"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&told["width"], &told["height"], &told["frames"]),
        (&16.into(), &8.into(), &1.into())
    );
    assert_eq!(told["original"]["format"], "image/jpeg");
    assert_eq!(told["original"]["width"], 64);
}

#[test]
fn mistakes_are_told() {
    let files = Files::new();
    let source = photo(&files);
    let output = files.path("out.webp");
    let output = output.to_str().unwrap();
    for (words, expected) in [
        (
            &[&source[..]][..],
            "give `--output`, or `--format json` for a description",
        ),
        (&[&source, "-o", output, "--width", "none"], "width"),
        (
            &[&source, "-o", output, "--options", "widht=3"],
            "did you mean `width`?",
        ),
        (
            &[&source, "-o", output, "--draw", "logo.png"],
            "is no list of `name=value`",
        ),
        (
            &["/nowhere.jpg", "-o", output],
            "/nowhere.jpg: No such file",
        ),
    ] {
        let told = complains(words);
        assert!(told.contains(expected), "{words:?}: {told}");
    }
}

#[test]
fn bad_files_are_refused_and_odd_ones_read() {
    let files = Files::new();
    let output = files.path("out.webp");
    for Sample {
        name,
        bytes,
        is_readable,
    } in samples()
    {
        let source = files.write(name, bytes);
        let words = [
            "image",
            source.to_str().unwrap(),
            "--width",
            "32",
            "-o",
            output.to_str().unwrap(),
        ];
        let made = Binary::command(&words);
        let complaint = String::from_utf8_lossy(&made.stderr);
        assert_eq!(made.status.success(), is_readable, "{name}: {complaint}");
        assert!(
            is_readable || complaint.starts_with("error: "),
            "{name}: {complaint}"
        );
    }
}

const PICTURES: &str = r#"
    [log]
    access = false
    [[listen]]
    address = "127.0.0.1:0"
    [origin.app]
    servers = ["{origin}"]
    [[site]]
    hosts = ["*.com"]
    origin = "app"
    cache = {}
    filters = [{ use = "image", mode = "{mode}" }]
"#;

/// The processes that another one has started, by their numbers.
fn children(of: u32) -> Vec<i32> {
    let list = |task: std::io::Result<std::fs::DirEntry>| {
        let told = std::fs::read_to_string(task.ok()?.path().join("children")).ok()?;
        Some(
            told.split_whitespace()
                .filter_map(|number| number.parse().ok())
                .collect::<Vec<i32>>(),
        )
    };
    let tasks = std::fs::read_dir(format!("/proc/{of}/task")).unwrap();
    tasks.filter_map(list).flatten().collect()
}

#[tokio::test]
async fn an_edge_has_pictures_made_in_processes_that_are_locked_in() {
    let origin = Origin::start().await;
    let sample = samples()
        .into_iter()
        .find(|sample| sample.name == "progressive.jpg")
        .unwrap();
    origin.reply("/a.jpg", "cache-control: max-age=60", sample.bytes);
    let files = Files::new();
    let binary = Binary::run(
        &files,
        &fill(PICTURES, &[("origin", &origin), ("mode", &"process")]),
    )
    .await;
    let width = async |width: u32| {
        let target = format!("/cdn-cgi/image/width={width},format=webp/a.jpg");
        let response = binary.get(&target).await;
        assert_eq!(response.status, 200, "{response:?}");
        probe(&response.body, &Limits::default()).unwrap().width
    };
    assert_eq!(width(16).await, 16);
    let [worker] = children(binary.id())[..] else {
        panic!("{:?}", children(binary.id()));
    };
    let told = std::fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    assert!(told.contains("\nSeccomp:\t2\n"), "{told}");
    let open = std::fs::read_dir(format!("/proc/{worker}/fd"))
        .unwrap()
        .count();
    assert_eq!(open, 4, "the standard streams, and the way to the edge");
    // One that dies is another's to follow, and nobody is told.
    let process = rustix::process::Pid::from_raw(worker).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    while std::fs::read_to_string(format!("/proc/{worker}/stat"))
        .is_ok_and(|told| !told.contains(") Z"))
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(width(18).await, 18);
    assert_ne!(children(binary.id()), [worker]);
}

#[tokio::test]
async fn an_edge_may_make_them_itself() {
    let origin = Origin::start().await;
    let sample = samples()
        .into_iter()
        .find(|sample| sample.name == "palette.png")
        .unwrap();
    origin.reply("/a.png", "cache-control: max-age=60", sample.bytes);
    let files = Files::new();
    let binary = Binary::run(
        &files,
        &fill(PICTURES, &[("origin", &origin), ("mode", &"thread")]),
    )
    .await;
    let response = binary.get("/cdn-cgi/image/width=16/a.png").await;
    assert_eq!(probe(&response.body, &Limits::default()).unwrap().width, 16);
    assert!(children(binary.id()).is_empty());
}
