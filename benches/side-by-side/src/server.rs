//! A server's process: started, waited for, signalled and ended by its own id.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::stage::Stage;
use crate::usage;

/// Which processor a process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    Anywhere,
    Processor(usize),
}

/// A process that serves; it ends with this value.
pub(crate) struct Server {
    name: String,
    child: Child,
    output: PathBuf,
}

const START: Duration = Duration::from_secs(30);
const END: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

impl Server {
    /// Starts a program and waits until it accepts connections on its plain port.
    pub(crate) fn start(name: &str, command: &Command, stage: &Stage, seat: Seat) -> Result<Self> {
        let output = stage.folder().join("output");
        let file = File::create(&output).context("cannot make a file for the output")?;
        let child = bound(seat, command)
            .current_dir(stage.folder())
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let mut server = Self {
            name: name.to_owned(),
            child,
            output,
        };
        server.wait_for(stage.plain)?;
        Ok(server)
    }

    /// The id of the process, or the first of several.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the first process.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        send(self.id(), signal).with_context(|| format!("cannot signal {}", self.name))
    }

    fn wait_for(&mut self, port: u16) -> Result<()> {
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}: {}", self.name, self.last_words());
            }
            if Instant::now() > deadline {
                bail!("{} does not listen: {}", self.name, self.last_words());
            }
            pause(PAUSE);
        }
        Ok(())
    }

    fn last_words(&self) -> String {
        let output = fs::read(&self.output).unwrap_or_default();
        let text = String::from_utf8_lossy(&output);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }

    fn ended(&mut self) -> bool {
        let deadline = Instant::now() + END;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            pause(PAUSE);
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let family = usage::tree(self.id()).unwrap_or_default();
        let births: Vec<_> = family
            .iter()
            .map(|&process| usage::birth(process))
            .collect();
        self.signal(Signal::TERM).ok();
        if !self.ended() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
        // Children may outlive their parent; the time of birth tells whether an id is still theirs.
        for (process, birth) in family.into_iter().zip(births) {
            if birth.is_some() && usage::birth(process) == birth {
                send(process, Signal::KILL).ok();
            }
        }
    }
}

/// The same command on its processor, and with an end when this process has one.
pub(crate) fn bound(seat: Seat, command: &Command) -> Command {
    let mut bound = Command::new("setpriv");
    bound.args(["--pdeathsig", "TERM"]);
    if let Seat::Processor(number) = seat {
        bound.arg("taskset").arg("-c").arg(number.to_string());
    }
    bound.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bound.env(name, value),
            None => bound.env_remove(name),
        };
    }
    bound
}

fn send(process: u32, signal: Signal) -> Result<()> {
    let process = i32::try_from(process)
        .ok()
        .and_then(Pid::from_raw)
        .context("no process")?;
    Ok(kill_process(process, signal)?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "there is nobody else here to wait for another process"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
