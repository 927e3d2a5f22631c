//! `rimward image`: makes an image of another one, as the filter of that name does.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use rimward_images::syntax::{self, cloudflare, draw};
use rimward_images::transform::{Format, FormatChoice, Options, Transform};
use rimward_images::{Bounds, Limits, Rendered, render, worker};

use super::tell::print;

/// What an image becomes. Options have the names and values that they have in addresses.
#[derive(Debug, clap::Args)]
pub(super) struct Order {
    /// The image, JPEG, PNG, GIF or WebP; `-` reads it from standard input
    source: PathBuf,
    /// Where the result goes, `-` for standard output; its ending tells the format when `--format` doesn't
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// All options at once, as in an address: `width=80,fit=cover`
    #[arg(long)]
    options: Option<String>,
    #[command(flatten)]
    single: Single,
    /// An image to draw over it, as `url=logo.png,bottom=5,right=5,opacity=0.5`; may be given several times
    #[arg(long)]
    draw: Vec<String>,
    /// Seconds that it may take
    #[arg(long, default_value_t = 60)]
    timeout: u64,
}

/// The options by themselves, which win over `--options`.
#[derive(Debug, clap::Args)]
struct Single {
    /// Pixels from left to right
    #[arg(long)]
    width: Option<String>,
    /// Pixels from top to bottom
    #[arg(long)]
    height: Option<String>,
    /// What width, height and other lengths are multiplied by
    #[arg(long)]
    dpr: Option<String>,
    /// How it is brought into width and height: scale-down, contain, cover, crop, aspect-crop, pad or squeeze
    #[arg(long)]
    fit: Option<String>,
    /// What a crop keeps: auto, left, top-right, 0.5x0.33 and so on
    #[arg(long)]
    gravity: Option<String>,
    /// 1 to 100, high, medium-high, medium-low, low or auto
    #[arg(long)]
    quality: Option<String>,
    /// avif, webp, jpeg, baseline-jpeg, png, gif, or json for a description
    #[arg(long)]
    format: Option<String>,
    /// `fast` for as little work as possible
    #[arg(long)]
    compression: Option<String>,
    /// `false` for the first frame alone
    #[arg(long)]
    anim: Option<String>,
    /// The colour under and beside it
    #[arg(long)]
    background: Option<String>,
    /// Room around it, in pixels
    #[arg(long)]
    padding: Option<String>,
    /// The width of a border around it, in pixels
    #[arg(long)]
    border: Option<String>,
    /// The border's colour
    #[arg(long)]
    border_color: Option<String>,
    /// How far colours run into each other, 1 to 250
    #[arg(long)]
    blur: Option<String>,
    /// How much edges are stressed, 0 to 10
    #[arg(long)]
    sharpen: Option<String>,
    /// A factor, 1 for no change
    #[arg(long)]
    brightness: Option<String>,
    /// A factor, 1 for no change
    #[arg(long)]
    contrast: Option<String>,
    /// A factor, 1 for no change
    #[arg(long)]
    gamma: Option<String>,
    /// A factor, 1 for no change and 0 for gray
    #[arg(long)]
    saturation: Option<String>,
    /// 90, 180 or 270 degrees clockwise
    #[arg(long)]
    rotate: Option<String>,
    /// h, v or hv
    #[arg(long)]
    flip: Option<String>,
    /// What is cut off, as `top;right;bottom;left`, or `border`
    #[arg(long)]
    trim: Option<String>,
    /// copyright, keep or none
    #[arg(long)]
    metadata: Option<String>,
}

impl Single {
    fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("width", &self.width),
            ("height", &self.height),
            ("dpr", &self.dpr),
            ("fit", &self.fit),
            ("gravity", &self.gravity),
            ("quality", &self.quality),
            ("format", &self.format),
            ("compression", &self.compression),
            ("anim", &self.anim),
            ("background", &self.background),
            ("padding", &self.padding),
            ("border", &self.border),
            ("border.color", &self.border_color),
            ("blur", &self.blur),
            ("sharpen", &self.sharpen),
            ("brightness", &self.brightness),
            ("contrast", &self.contrast),
            ("gamma", &self.gamma),
            ("saturation", &self.saturation),
            ("rotate", &self.rotate),
            ("flip", &self.flip),
            ("trim", &self.trim),
            ("metadata", &self.metadata),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

/// Makes the image, and tells what it is.
pub(super) fn make(order: &Order) -> Result<ExitCode> {
    let transform = transform(order)?;
    let limits = Limits {
        time: std::time::Duration::from_secs(order.timeout),
        ..Limits::default()
    };
    let source = read(&order.source)?;
    let overlays = transform
        .overlays
        .iter()
        .map(|overlay| read(Path::new(&overlay.source)));
    let overlays = overlays.collect::<Result<Vec<_>>>()?;
    let overlays: Vec<&[u8]> = overlays.iter().map(|overlay| &overlay[..]).collect();
    let rendered = render(&source, &transform, &limits, &overlays)
        .with_context(|| order.source.display().to_string())?;
    if transform.format == FormatChoice::Json {
        print(&format!("{}\n", rendered.describe()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(output) = &order.output else {
        bail!("give `--output`, or `--format json` for a description");
    };
    write(output, &rendered)?;
    Ok(ExitCode::SUCCESS)
}

/// Serves as a process in which images are made for an edge. For nobody else to call.
pub(super) fn work() -> Result<ExitCode> {
    worker::serve()?;
    Ok(ExitCode::SUCCESS)
}

fn transform(order: &Order) -> Result<Transform> {
    let mut options = match &order.options {
        Some(options) => cloudflare::parse(options)?,
        None => Options::default(),
    };
    for (name, value) in order.single.given() {
        syntax::set(&mut options, name, value)?;
    }
    for drawn in &order.draw {
        let pairs: Option<Vec<_>> = drawn.split(',').map(|pair| pair.split_once('=')).collect();
        let pairs = pairs.ok_or_else(|| anyhow!("`{drawn}` is no list of `name=value`"))?;
        let overlay = draw(pairs)?;
        options.overlays.get_or_insert_default().push(overlay);
    }
    if options.format.is_none() {
        options.format = order
            .output
            .as_deref()
            .and_then(format_of)
            .map(FormatChoice::Only);
    }
    Ok(options.resolve(&Bounds::default())?)
}

fn format_of(file: &Path) -> Option<Format> {
    let ending = file.extension()?.to_str()?.to_ascii_lowercase();
    match &ending[..] {
        "jpg" => Some(Format::Jpeg),
        ending => ending.parse().ok(),
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        bytes = fs::read(file).with_context(|| file.display().to_string())?;
    }
    Ok(bytes)
}

/// Writes the result; what it is is told beside it.
fn write(output: &Path, rendered: &Rendered) -> Result<()> {
    if output == Path::new("-") {
        std::io::stdout().lock().write_all(&rendered.bytes)?;
        return Ok(());
    }
    fs::write(output, &rendered.bytes).with_context(|| output.display().to_string())?;
    let moving = match rendered.frames {
        1 => String::new(),
        frames => format!(", {frames} frames"),
    };
    print(&format!(
        "{}: {} of {}x{}{moving}, quality {}, {} bytes instead of {}\n",
        output.display(),
        rendered.format,
        rendered.width,
        rendered.height,
        rendered.quality,
        rendered.bytes.len(),
        rendered.source.bytes,
    ))
}
