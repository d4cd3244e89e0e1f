//! Lengths of time, sizes and rates as people write them in configuration files and flags.

use std::time::Duration;

/// The longest time that is accepted: ten years, so that sums of times never overflow.
const LONGEST_SECONDS: f64 = 10.0 * 365.0 * 86_400.0;

/// Reads `5s`, `500ms`, `2m`, `1h30m`, `1.5 h`, or a plain number of seconds.
///
/// # Errors
/// A sentence that says what was expected.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("`{text}` is not a length of time; write `90s`, `500ms`, `5m` or `1h30m`");
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if let Ok(seconds) = compact.parse::<f64>() {
        return checked(seconds).ok_or_else(wrong);
    }
    let mut rest = compact.as_str();
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match rest[..letters].to_ascii_lowercase().as_str() {
            "ms" => 0.001,
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3_600.0,
            "d" | "day" | "days" => 86_400.0,
            _ => return Err(wrong()),
        };
        total += number * unit;
        rest = &rest[letters..];
    }
    if compact.is_empty() { Err(wrong()) } else { checked(total).ok_or_else(wrong) }
}

fn checked(seconds: f64) -> Option<Duration> {
    (0.0..=LONGEST_SECONDS)
        .contains(&seconds)
        .then(|| Duration::try_from_secs_f64(seconds).ok())
        .flatten()
}

/// Reads `2 GiB`, `500 MB`, `1024` as a number of bytes.
///
/// # Errors
/// A sentence that says what was expected.
pub fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a size; write `2 GiB`, `500 MB` or a number of bytes");
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let digits = compact.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(compact.len());
    let number: f64 = compact[..digits].parse().map_err(|_| wrong())?;
    let unit: f64 = match compact[digits..].to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "kib" | "k" => 1024.0,
        "mib" | "m" => 1024.0 * 1024.0,
        "gib" | "g" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(wrong()),
    };
    let total = number * unit;
    if !(1.0..=9e15).contains(&total) {
        return Err(wrong());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the bounds were checked just above"
    )]
    let whole = total as u64;
    Ok(whole)
}

/// How many submissions any stretch of this length may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Submissions.
    pub count: usize,
    /// Length of the window.
    pub window: Duration,
}

impl Rate {
    /// Reads `20/10s`.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a rate; write `20/10s`: at most 20 in any 10 s");
        let (count, window) = text.split_once('/').ok_or_else(wrong)?;
        let count: usize = count.trim().parse().map_err(|_| wrong())?;
        let window = window.trim();
        // `20/s` is one second.
        let window = if window.starts_with(|c: char| c.is_ascii_alphabetic()) {
            duration(&format!("1{window}"))
        } else {
            duration(window)
        }
        .map_err(|_| wrong())?;
        if count == 0 || window.is_zero() {
            return Err(wrong());
        }
        Ok(Self { count, window })
    }

    /// True when this rate never lets more through than `other` in any window of the other's length.
    pub fn is_within(self, other: Self) -> bool {
        let windows = other.window.as_secs_f64() / self.window.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "submissions are few")]
        let most = self.count as f64 * windows.ceil().max(1.0);
        #[expect(clippy::cast_precision_loss, reason = "submissions are few")]
        let allowed = other.count as f64;
        most <= allowed
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.count, seconds(self.window))
    }
}

/// `10s`, `0.5s`.
pub fn seconds(duration: Duration) -> String {
    format!("{}s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_units() {
        for (text, milliseconds) in [
            ("5s", 5_000),
            ("90", 90_000),
            ("500ms", 500),
            ("1h30m", 5_400_000),
            ("1.5 h", 5_400_000),
            ("2 minutes", 120_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text).map(|d| d.as_millis()), Ok(milliseconds), "{text}");
        }
        for text in ["", "s", "-1s", "5x", "1e300", "5s5", "NaN", "inf"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_know_both_kinds_of_unit() {
        assert_eq!(bytes("2 GiB"), Ok(2 * 1024 * 1024 * 1024));
        assert_eq!(bytes("500MB"), Ok(500_000_000));
        assert_eq!(bytes("1024"), Ok(1024));
        for text in ["", "GiB", "-5", "0", "5 XB", "1e99"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_lower_rate_is_within_a_higher_one() {
        let base = Rate { count: 20, window: Duration::from_secs(10) };
        assert_eq!(Rate::parse("20/10s"), Ok(base));
        assert_eq!(Rate::parse("2/s").map(|rate| rate.window), Ok(Duration::from_secs(1)));
        assert!(Rate::parse("2/s").is_ok_and(|rate| rate.is_within(base)));
        assert!(Rate::parse("20/20s").is_ok_and(|rate| rate.is_within(base)));
        assert!(Rate::parse("3/s").is_ok_and(|rate| !rate.is_within(base)));
        assert!(Rate::parse("21/10s").is_ok_and(|rate| !rate.is_within(base)));
        assert!(Rate::parse("0/10s").is_err());
        assert!(Rate::parse("20").is_err());
    }
}
