//! Whether a run may spend: asked once on a terminal, never elsewhere.

use super::Output;
use super::failure::Failure;
use super::tell;
use crate::plan::PlanSummary;
use crate::report::{counted, trimmed};
use std::io::IsTerminal as _;

/// What the command line says about spending.
pub(super) struct Spending {
    /// `--yes`, `--max-credits` or `--plan` was given.
    pub answered: bool,
    /// The cap that holds.
    pub max_credits: Option<f64>,
}

/// Asks where somebody can answer, else says in one line that there is no cap. False when the user declines.
///
/// # Errors
/// When the answer cannot be read.
pub(super) fn ask(
    spending: &Spending,
    summary: &PlanSummary,
    output: Output,
) -> Result<bool, Failure> {
    let is_terminal = std::io::stdin().is_terminal() && output.stderr.terminal;
    if spending.answered || !is_terminal {
        if spending.max_credits.is_none() {
            tell(&uncapped(summary));
        }
        return Ok(true);
    }
    let cap = match spending.max_credits {
        Some(cap) => format!(", never more than {}", trimmed(cap, 2)),
        None => String::new(),
    };
    tell(&format!("{}{cap}. Render now? [y/N] ", cost(summary)));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| {
        Failure::cannot_work("no-answer", format!("cannot read the answer: {error}"))
            .hint("`--yes` goes ahead without asking")
    })?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn uncapped(summary: &PlanSummary) -> String {
    format!(
        "no cap is set: {} (`--max-credits N` or `[budget] max_credits` sets one)\n",
        cost(summary)
    )
}

fn cost(summary: &PlanSummary) -> String {
    format!("this run may spend {}", sum(summary.credits, summary.unpriced_steps))
}

/// `120 credits and 1 step without a known price`.
pub(super) fn sum(credits: f64, unpriced_steps: usize) -> String {
    let unpriced = match unpriced_steps {
        0 => String::new(),
        count => format!(" and {} without a known price", counted(count, "step")),
    };
    format!("{} credits{unpriced}", trimmed(credits, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_without_a_cap_names_the_price_and_the_remedy() {
        let summary = PlanSummary { credits: 120.0, unpriced_steps: 1, ..PlanSummary::default() };
        assert_eq!(
            uncapped(&summary),
            "no cap is set: this run may spend 120 credits and 1 step without a known price (`--max-credits N` or \
             `[budget] max_credits` sets one)\n"
        );
    }
}
