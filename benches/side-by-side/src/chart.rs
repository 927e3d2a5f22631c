//! A measured file as a picture: for each of the main cases, what a request costs each peer.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::peers::OURS;
use crate::results::{CaseResult, PeerResult, Results};
use crate::tables::significant;

/// A panel for each, as far as they were measured.
const CASES: [&str; 9] = [
    "hit-1k",
    "hit-100k",
    "hot-100k",
    "tls-1k",
    "h2-1k",
    "close",
    "not-modified",
    "miss",
    "pass",
];
const COLUMNS: usize = 3;
const PANEL: (u32, u32) = (360, 220);
const TOP: u32 = 50;

const INK: RGBColor = RGBColor(0x24, 0x29, 0x2f);
const FAINT: RGBColor = RGBColor(0x6e, 0x77, 0x81);
const OUR_BAR: RGBColor = RGBColor(0xd9, 0x48, 0x0f);
const BAR: RGBColor = RGBColor(0x9a, 0xb4, 0xc8);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The picture as SVG.
pub(crate) fn draw(results: &Results) -> Result<String> {
    let cases: Vec<&CaseResult> = CASES.iter().filter_map(|name| results.case(name)).collect();
    let rows = cases.len().div_ceil(COLUMNS).max(1);
    let size = (
        PANEL.0 * u32::try_from(COLUMNS)?,
        TOP + PANEL.1 * u32::try_from(rows)?,
    );
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        paint(&root, results, &cases, rows).map_err(|error| anyhow!("cannot draw: {error}"))?;
    }
    Ok(svg)
}

fn paint(root: &Area<'_>, results: &Results, cases: &[&CaseResult], rows: usize) -> Drawn {
    root.fill(&WHITE)?;
    let (top, panels) = root.split_vertically(TOP);
    let made = format!(
        "{}, one worker each; {}",
        results.machine.processor, results.date
    );
    HEADING.write(
        &top,
        "CPU time for each request, µs (less is better)",
        (16, 20),
    )?;
    REMARK.write(&top, &made, (16, 42))?;
    for (area, case) in panels.split_evenly((rows, COLUMNS)).iter().zip(cases) {
        panel(area, case)?;
    }
    root.present()?;
    Ok(())
}

type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

const NAMES: i32 = 110;
const FIRST: i32 = 46;
const STEP: i32 = 24;
const THICKNESS: i32 = 16;
/// What is left of a panel for the longest bar, beside names and figures.
const LONGEST: f64 = 170.0;

fn panel(area: &Area<'_>, case: &CaseResult) -> Drawn {
    // No code in pictures.
    TITLE.write(area, &case.title.replace('`', ""), (16, 24))?;
    let cost = |peer: &PeerResult| Some((peer.name.clone(), peer.cpu()?));
    let costs: Vec<(String, f64)> = case.peers.iter().filter_map(cost).collect();
    let most = costs
        .iter()
        .map(|(_, cost)| *cost)
        .fold(f64::MIN_POSITIVE, f64::max);
    for (row, (name, cost)) in costs.iter().enumerate() {
        let top = FIRST + STEP * i32::try_from(row)?;
        let (middle, right) = (top + THICKNESS / 2, NAMES + (cost / most * LONGEST) as i32);
        let colour = if name == OURS { OUR_BAR } else { BAR };
        NAME.write(area, name, (NAMES - 8, middle))?;
        area.draw(&Rectangle::new(
            [(NAMES, top), (right, top + THICKNESS)],
            colour.filled(),
        ))?;
        FIGURE.write(area, &significant(*cost), (right + 6, middle))?;
    }
    Ok(())
}

/// How a text looks, and which of its ends is where it is put.
struct Letters {
    size: i32,
    colour: RGBColor,
    end: HPos,
}

const HEADING: Letters = Letters {
    size: 22,
    colour: INK,
    end: HPos::Left,
};
const REMARK: Letters = Letters {
    size: 15,
    colour: FAINT,
    end: HPos::Left,
};
const TITLE: Letters = Letters {
    size: 18,
    colour: INK,
    end: HPos::Left,
};
const NAME: Letters = Letters {
    size: 15,
    colour: INK,
    end: HPos::Right,
};
const FIGURE: Letters = Letters {
    size: 15,
    colour: INK,
    end: HPos::Left,
};

impl Letters {
    fn write(&self, area: &Area<'_>, text: &str, at: (i32, i32)) -> Drawn {
        let place = Pos::new(self.end, VPos::Center);
        let style = ("sans-serif", self.size)
            .into_font()
            .color(&self.colour)
            .pos(place);
        area.draw(&Text::new(text.to_owned(), at, style))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::results;

    #[test]
    fn bars_are_as_long_as_the_figures_are_high() {
        let results = results("hit-1k", &[("rimward", &[10.0]), ("nginx", &[20.0])]);
        let svg = draw(&results).unwrap();
        let bars: Vec<&str> = svg
            .lines()
            .filter(|line| line.contains("<rect") && !line.contains("#FFFFFF"))
            .collect();
        assert_eq!(bars.len(), 2, "{svg}");
        assert!(
            bars[0].contains("width=\"85\"") && bars[1].contains("width=\"170\""),
            "{svg}"
        );
        assert!(svg.contains("10.0") && svg.contains("nginx"), "{svg}");
    }
}
