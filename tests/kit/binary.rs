//! The real program, as a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::mpsc;

use crate::client::{Client, Response};
use crate::files::Files;
use crate::patience::within;

/// A running `rimward run`; killed when dropped.
pub struct Binary {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    seen: Vec<String>,
    addresses: Vec<SocketAddr>,
}

impl Binary {
    /// Where the program is. It is built first when it is missing or older than this test.
    pub fn path() -> PathBuf {
        static PATH: OnceLock<PathBuf> = OnceLock::new();
        PATH.get_or_init(find_or_build).clone()
    }

    /// Runs one command to its end.
    pub fn command(arguments: &[&str]) -> Output {
        Command::new(Self::path())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs `rimward run` with this configuration as `pop.toml` of the folder, and waits until it listens.
    pub async fn run(files: &Files, text: &str) -> Self {
        files.write("pop.toml", text);
        Self::run_file(files.path("pop.toml"), text.matches("[[listen]]").count()).await
    }

    /// Runs `rimward run` with a file that names so many listeners.
    pub async fn run_file(file: PathBuf, listeners: usize) -> Self {
        let mut command = Command::new(Self::path());
        Self::start(command.arg("run").arg(file), listeners).await
    }

    /// Runs a command that serves, and waits until so many listeners are there.
    pub async fn start(command: &mut Command, listeners: usize) -> Self {
        let mut child = command
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        #[allow(
            clippy::disallowed_methods,
            reason = "a test's program writes a handful of lines"
        )]
        let (sender, lines) = mpsc::unbounded_channel();
        pump(child.stdout.take().unwrap(), sender.clone());
        pump(child.stderr.take().unwrap(), sender);
        let mut binary = Self {
            child,
            lines,
            seen: Vec::new(),
            addresses: Vec::new(),
        };
        while binary.addresses.len() < listeners {
            let line = binary
                .line(|line| line.contains("listening") && !line.contains("admin"))
                .await;
            binary.addresses.extend(address_in(&line));
        }
        binary
    }

    /// The address of its only listener, or of the first.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// The addresses of its listeners.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written so far, as far as it was waited for.
    pub fn output(&self) -> String {
        self.seen.join("\n")
    }

    /// Waits for the next line that it writes with `text` in it.
    pub async fn says(&mut self, text: &str) -> String {
        self.line(|line| line.contains(text)).await
    }

    /// Asks it for a page.
    pub async fn get(&self, target: &str) -> Response {
        Client::connect(self.address()).await.get(target).await
    }

    /// Tells it to read its configuration again.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Tells it to end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it as a terminal does.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Waits for its end.
    pub async fn exit(mut self) -> (ExitStatus, String) {
        let lines = &mut self.lines;
        let rest = within("the program to end", async {
            let mut rest = Vec::new();
            while let Some(line) = lines.recv().await {
                rest.push(line);
            }
            rest
        });
        let rest = rest.await;
        self.seen.extend(rest);
        (self.child.wait().unwrap(), self.output())
    }

    async fn line(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let (lines, seen) = (&mut self.lines, &mut self.seen);
        let found = tokio::time::timeout(crate::PATIENCE, async {
            while let Some(line) = lines.recv().await {
                seen.push(line.clone());
                if wanted(&line) {
                    return Some(line);
                }
            }
            None
        });
        let found = found.await.ok().flatten();
        found.unwrap_or_else(|| {
            panic!(
                "the program did not write what was waited for, but:\n{}",
                self.output()
            )
        })
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn pump(from: impl Read + Send + 'static, lines: mpsc::UnboundedSender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                break;
            }
        }
    });
}

/// The first socket address in a line of any form.
fn address_in(line: &str) -> Option<SocketAddr> {
    line.split(|letter: char| !(letter.is_ascii_hexdigit() || ".:[]".contains(letter)))
        .find_map(|word| word.trim_matches(':').parse().ok())
}

/// The program lies in the folder above the test's own.
fn find_or_build() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test
        .parent()
        .and_then(std::path::Path::parent)
        .expect("a test lies in `target/PROFILE/deps`");
    let program = profile.join("rimward");
    let modified = |path| std::fs::metadata(path).and_then(|metadata| metadata.modified());
    let current =
        modified(&program).is_ok_and(|built| modified(&test).is_ok_and(|tested| built >= tested));
    if !current {
        let release = profile.ends_with("release").then_some("--release");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "-p", "rimward", "--bin", "rimward"])
            .args(release)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .status();
        assert!(
            built.is_ok_and(|status| status.success()),
            "the program could not be built"
        );
    }
    program
}

#[cfg(test)]
mod tests {
    use super::address_in;

    #[test]
    fn addresses_are_found_in_text_and_json() {
        let address = "127.0.0.1:8080".parse().ok();
        assert_eq!(address_in("INFO listening on 127.0.0.1:8080"), address);
        assert_eq!(
            address_in(r#"{"message":"listening","address":"127.0.0.1:8080"}"#),
            address
        );
        assert_eq!(
            address_in("2026-11-23T10:00:00Z listening address=[::1]:80"),
            "[::1]:80".parse().ok()
        );
        assert_eq!(address_in("nothing here"), None);
    }
}
