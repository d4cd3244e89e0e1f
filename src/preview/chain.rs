//! The chain of steps as a line of boxes: what makes the clip longer is as wide as it is long.

use super::page::{PAPER, Page};
use super::timeline::Timeline;
use super::typeset::{Anchor, Style, clean};
use super::{FRAMES_PER_SECOND, PreviewError};
use std::fmt::Write as _;

/// How high the line is with the room below it, in units of type.
pub(super) const HEIGHT: f32 = 19.0;
/// The most steps that are shown.
const MOST: usize = 40;

/// Whether a shot has a chain that is worth showing.
pub(super) fn is_shown(page: &Page<'_>) -> bool {
    page.shot.steps.len() > 1
}

/// Draws the steps from the left to the right edge of the type, the one that makes this beat lit.
pub(super) fn draw(
    page: &Page<'_>,
    svg: &mut String,
    timeline: &Timeline,
    beat: usize,
) -> Result<(), PreviewError> {
    if !is_shown(page) {
        return Ok(());
    }
    let (u, type_) = (page.unit, page.typesetter);
    let style = Style { spacing: 0.5 * u, ..page.style(9.5, true) };
    let steps = &page.shot.steps[..page.shot.steps.len().min(MOST)];
    let gap = 3.0 * u;
    let room = page.width - 2.0 * page.margin - gap * (steps.len() - 1) as f32;
    // What takes no time of the film is as wide as its name, within its share.
    let mut names = Vec::new();
    let mut fixed = 0.0;
    for step in steps {
        let name = clean(&step.label).to_uppercase();
        if step.makes_time {
            names.push((name, None));
        } else {
            let share = room / steps.len() as f32;
            let name = type_.fit(&name, style, share - 10.0 * u)?;
            let wide = type_.width(&name, style)? + 10.0 * u;
            fixed += wide;
            names.push((name, Some(wide)));
        }
    }
    let timed = (room - fixed).max(0.0);
    let rate = f64::from(FRAMES_PER_SECOND);
    let mut beats = timeline.beats.iter().enumerate();
    let mut x = page.margin;
    let (top, high) = (page.footer_line() - 30.0 * u, 13.0 * u);
    for (name, wide) in names {
        let (label, wide, lit) = match wide {
            Some(wide) => (name, wide, false),
            None => {
                let Some((number, stretch)) = beats.next() else { continue };
                let share = (stretch.end - stretch.start) as f32 / timeline.frames as f32;
                let (from, to) = (stretch.start as f64 / rate, stretch.end as f64 / rate);
                let whole = format!("{name}  {}–{}", clock(from), clock(to));
                let wide = timed * share;
                // Times before names: which step it is can be told from its place.
                let fitting = [whole, name, clock(from)].into_iter().map(|label| {
                    type_.width(&label, style).map(|needed| (label, needed + 8.0 * u <= wide))
                });
                let mut label = String::new();
                for candidate in fitting {
                    let (candidate, fits) = candidate?;
                    if fits {
                        label = candidate;
                        break;
                    }
                }
                (label, wide, number == beat)
            }
        };
        let (fill, opacity, ink) =
            if lit { (page.accent, 1.0, 0x0b_0c0f) } else { (0x0006_070a, 0.55, PAPER) };
        let _ = write!(
            svg,
            r##"<rect x="{x:.1}" y="{top:.1}" width="{wide:.1}" height="{high:.1}" rx="{:.1}" fill="#{fill:06x}" fill-opacity="{opacity}" stroke="#{PAPER:06x}" stroke-opacity="0.6" stroke-width="{:.2}"/>"##,
            2.0 * u,
            0.8 * u
        );
        let style = Style { color: ink, ..style };
        type_.line(svg, &label, x + 5.0 * u, top + 9.9 * u, style, Anchor::Start)?;
        x += wide + gap;
    }
    Ok(())
}

/// A time as players show it: `0:08`, `0:02.5`.
fn clock(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round() as u64;
    let (minutes, rest) = (tenths / 600, tenths % 600);
    match rest % 10 {
        0 => format!("{minutes}:{:02}", rest / 10),
        tenth => format!("{minutes}:{:02}.{tenth}", rest / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_players_do() {
        assert_eq!(clock(8.0), "0:08");
        assert_eq!(clock(62.54), "1:02.5");
        assert_eq!(clock(59.96), "1:00");
    }
}
