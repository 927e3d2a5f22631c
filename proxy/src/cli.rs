//! The command line: what can be asked of the program, and by whom it is answered.

mod ask;
mod cache;
mod filter;
mod image;
mod import;
mod kv;
mod plugin;
mod serve;
mod sign;
mod tell;

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// What the program calls itself with to be a worker that makes images.
pub(crate) const IMAGE_WORKER: &str = "image-worker";

/// The software of a CDN edge: a caching reverse proxy that runs filters.
#[derive(Debug, Parser)]
#[command(name = "rimward", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve what a configuration file says
    Run {
        /// The configuration file
        #[arg(default_value = "pop.toml")]
        file: PathBuf,
    },
    /// Tell every mistake in a configuration file
    Check {
        /// The configuration file
        #[arg(default_value = "pop.toml")]
        file: PathBuf,
    },
    /// Tell what would happen to a request, without sending anything
    Explain {
        /// The method, such as GET
        method: http::Method,
        /// The absolute URL
        url: http::Uri,
        /// A header field, as `name: value`; may be given several times
        #[arg(short = 'H', long = "header")]
        headers: Vec<String>,
        /// The client's address
        #[arg(long, default_value = "127.0.0.1")]
        from: IpAddr,
        /// The configuration file
        #[arg(short, long, default_value = "pop.toml")]
        config: PathBuf,
    },
    /// Tell the compiled-in filters with their settings and an example
    Filters {
        /// Only this filter
        name: Option<String>,
    },
    /// Print the JSON Schema of configuration files, for editors
    Schema,
    /// Let a running edge read its configuration again
    Reload {
        #[command(flatten)]
        edge: Running,
    },
    /// Let a running edge forget objects
    Purge {
        #[command(flatten)]
        target: Target,
        /// Keep the objects, but ask the origin before they are served again
        #[arg(long)]
        soft: bool,
        #[command(flatten)]
        edge: Running,
    },
    /// Look at what a running edge has stored
    Cache {
        #[command(subcommand)]
        question: Question,
        /// Print the answer as JSON, as it came
        #[arg(long, global = true)]
        json: bool,
        /// The configuration file the edge was started with, which tells its admin address
        #[arg(short, long, default_value = "pop.toml", global = true)]
        config: PathBuf,
    },
    /// Look at a filter of a running edge, or change it: `rimward filter NAME percent=50`
    Filter {
        /// Its name in the configuration; without one, all filters
        name: Option<String>,
        /// What to change, as `key=value`
        changes: Vec<String>,
        #[command(flatten)]
        edge: Running,
    },
    /// Look into the stores of a running edge, or write to them
    Kv {
        #[command(subcommand)]
        order: kv::Order,
        /// The configuration file the edge was started with, which tells its admin address
        #[arg(short, long, default_value = "pop.toml", global = true)]
        config: PathBuf,
    },
    /// Steer a migration of a running edge
    Migrate {
        /// The name of its filter
        name: String,
        /// What to do; nothing tells how it stands
        step: Option<Step>,
        /// The share that goes to the new origin, until the file is changed or `resume`
        #[arg(long, conflicts_with = "step")]
        percent: Option<String>,
        #[command(flatten)]
        edge: Running,
    },
    /// Write, build and test plugins; look at those of a running edge, and let other versions of them take over
    Plugin {
        #[command(subcommand)]
        order: plugin::Plugin,
    },
    /// Serve a plugin that is being written, and build it again whenever its source changes
    Dev(plugin::dev::Order),
    /// Make a configuration from the CloudFront events of a Serverless Framework file
    Import(import::Order),
    /// Sign a URL for a filter `signed_url`
    Sign(sign::Order),
    /// Make an image of another one: another size, another format
    Image(Box<image::Order>),
    /// Make images for an edge that locks its decoders in; started by it alone
    #[command(hide = true, name = IMAGE_WORKER)]
    ImageWorker,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What becomes of a migration.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Step {
    /// Tell how it stands
    Status,
    /// Keep the share as it is now
    Pause,
    /// Go on as the file says
    Resume,
    /// Send all traffic to the old origin
    Abort,
}

/// What is purged: exactly one of these.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// The object of this absolute URL, with all its variants
    url: Option<String>,
    /// All objects whose host and path begin like this URL
    #[arg(long, value_name = "URL")]
    prefix: Option<String>,
    /// All objects of this host
    #[arg(long)]
    host: Option<String>,
    /// All objects with this surrogate key, or with one of several
    #[arg(long = "key", value_name = "KEY", num_args = 1..)]
    keys: Vec<String>,
    /// Every object
    #[arg(long)]
    all: bool,
}

/// What is asked about what is stored.
#[derive(Debug, Subcommand)]
enum Question {
    /// List objects
    Ls {
        /// Only those whose URL begins like this, with or without a scheme
        prefix: Option<String>,
        /// Only those with this surrogate key
        #[arg(long, conflicts_with = "prefix")]
        key: Option<String>,
        /// At most so many, up to 10000
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Show everything about all objects of a URL
    Show {
        /// The absolute URL
        url: String,
    },
    /// Tell what each tier holds and did
    Stats,
}

/// Which running edge is asked.
#[derive(Debug, clap::Args)]
struct Running {
    /// The configuration file it was started with, which tells its admin address
    #[arg(short, long, default_value = "pop.toml")]
    config: PathBuf,
}

/// Does what was asked.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    match arguments.command {
        Command::Run { file } => serve::run(&file),
        Command::Check { file } => tell::check(&file),
        Command::Explain {
            method,
            url,
            headers,
            from,
            config,
        } => tell::explain(&config, method, url, &headers, from),
        Command::Filters { name } => tell::filters(name.as_deref()),
        Command::Schema => tell::schema(),
        Command::Reload { edge } => ask::reload(&edge.config),
        Command::Purge { target, soft, edge } => ask::purge(&edge.config, target, soft),
        Command::Cache {
            question,
            json,
            config,
        } => cache::answer(&config, &question, json),
        Command::Filter {
            name,
            changes,
            edge,
        } => filter::answer(&edge.config, name.as_deref(), &changes),
        Command::Kv { order, config } => kv::run(&config, order),
        Command::Migrate {
            name,
            step,
            percent,
            edge,
        } => filter::migrate(&edge.config, &name, step, percent),
        Command::Plugin { order } => plugin::answer(order),
        Command::Dev(order) => plugin::dev::run(&order),
        Command::Import(order) => import::import(order),
        Command::Sign(order) => sign::sign(order),
        Command::Image(order) => image::make(&order),
        Command::ImageWorker => image::work(),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Arguments::command(),
                "rimward",
                &mut std::io::stdout(),
            );
            Ok(ExitCode::SUCCESS)
        }
    }
}
