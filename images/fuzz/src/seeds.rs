//! Writes the samples of the tests where the targets look for what to begin with.

use std::fs;
use std::io;

use rimward_images::Kind;
use rimward_images::testing::samples;

fn main() -> io::Result<()> {
    for sample in samples() {
        let kind = match Kind::sniff(&sample.bytes) {
            Some(Kind::Jpeg) => "jpeg",
            Some(Kind::Png) => "png",
            Some(Kind::Gif) => "gif",
            Some(Kind::Webp) => "webp",
            None => continue,
        };
        let both = (kind == "jpeg").then_some("decoders");
        for target in [kind, "probe"].into_iter().chain(both) {
            let folder = format!("corpus/{target}");
            fs::create_dir_all(&folder)?;
            fs::write(format!("{folder}/{}", sample.name), &sample.bytes)?;
        }
    }
    fs::create_dir_all("corpus/options")?;
    let options =
        "width=80,height=0.5,fit=cover,gravity=0.5x0.33,trim=1;2;3;4,background=%23ff8800";
    fs::write("corpus/options/all", options)
}
