use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::encode::{self, Settings};
use crate::picture::Picture;
use crate::syntax::cloudflare;
use crate::transform::{Bounds, Format};

/// Not a test when it is called by the others: the worker itself.
#[test]
fn child() {
    let is_worker = rustix::fs::fstat(std::io::stdin()).is_ok_and(|stat| {
        rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Socket
    });
    if is_worker {
        serve().unwrap();
    }
}

fn launch() -> Launch {
    Launch::own([
        "--exact",
        "worker::tests::child",
        "--nocapture",
        "--test-threads=1",
    ])
}

fn transform(options: &str) -> Transform {
    cloudflare::parse(options)
        .unwrap()
        .resolve(&Bounds::default())
        .unwrap()
}

fn source() -> Vec<u8> {
    let settings = Settings {
        quality: 80,
        may_reduce: false,
        progressive: false,
        fast: true,
        exif: None,
    };
    let picture = Picture::filled(300, 200, [200, 100, 50, 255]).unwrap();
    encode::still(picture, Format::Jpeg, &settings).unwrap()
}

#[test]
fn a_worker_makes_what_would_be_made_here() {
    let (workers, limits) = (Workers::new(launch()), Limits::default());
    for options in [
        "width=100,format=webp",
        "width=50,format=png",
        "width=30,format=avif",
        "blur=9,format=gif",
    ] {
        let made = workers
            .render(&source(), &transform(options), &limits, &[])
            .unwrap();
        let here = crate::render(&source(), &transform(options), &limits, &[]).unwrap();
        assert_eq!(made, here, "{options}");
    }
    assert_eq!(
        workers.idle().len(),
        1,
        "one after the other, by one process"
    );
    let error = workers
        .render(b"<html>", &transform("width=9"), &limits, &[])
        .unwrap_err();
    assert_eq!(error, ImageError::NotAnImage);
    assert_eq!(workers.idle().len(), 1, "it has answered, and goes on");
}

#[test]
fn several_work_at_once() {
    let workers = Arc::new(Workers::new(launch()));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let workers = workers.clone();
            std::thread::spawn(move || {
                workers
                    .render(&source(), &transform("width=99"), &Limits::default(), &[])
                    .unwrap()
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap().width, 99);
    }
}

#[test]
fn one_that_takes_too_long_is_killed_and_another_one_comes() {
    let workers = Workers::new(Launch {
        program: "/bin/sleep".into(),
        arguments: vec!["60".into()],
    });
    let limits = Limits {
        time: Duration::from_millis(50),
        ..Limits::default()
    };
    let begin = Instant::now();
    let error = workers
        .render(&source(), &transform("width=99"), &limits, &[])
        .unwrap_err();
    assert_eq!(error, ImageError::Deadline(50));
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert!(workers.idle().is_empty());
}

#[test]
fn one_that_dies_is_told_and_another_one_comes() {
    let limits = Limits::default();
    let dead = Workers::new(Launch {
        program: "/bin/false".into(),
        arguments: Vec::new(),
    });
    let error = dead
        .render(&source(), &transform("width=99"), &limits, &[])
        .unwrap_err();
    assert!(
        matches!(&error, ImageError::Failed(told) if told.contains("worker")),
        "{error}"
    );
    let none = Workers::new(Launch {
        program: "/nowhere".into(),
        arguments: Vec::new(),
    });
    assert!(
        none.render(&source(), &transform("width=99"), &limits, &[])
            .is_err()
    );

    let workers = Workers::new(launch());
    workers
        .render(&source(), &transform("width=99"), &limits, &[])
        .unwrap();
    let process = rustix::process::Pid::from_raw(workers.idle()[0] as i32).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    while workers.lock()[0].is_running() {
        std::thread::yield_now();
    }
    workers
        .render(&source(), &transform("width=99"), &limits, &[])
        .unwrap();
}
