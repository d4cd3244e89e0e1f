//! Lengths of time in every form people write them: `5s`, `0:00–0:05`, `1m 30s`, `（2.5秒）`, `150 frames @ 30 fps`.

use std::fmt;

/// Longer than a day is a mistake, not a scene.
const MAX_SECONDS: f64 = 86_400.0;

/// No length of time takes more characters than this.
const MAX_CHARS: usize = 120;

/// A length as read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Length {
    /// Seconds, above 0, in whole microseconds.
    pub seconds: f64,
    /// True for `3-5` or `3-5 s`: two bare whole numbers, which may be meant as "three to five seconds long".
    pub ambiguous: bool,
    /// True when it has a unit, a colon or is a range, so that it cannot be any other number.
    pub unmistakable: bool,
}

/// Why a text is no length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Not a time at all.
    Unreadable,
    /// Zero or less.
    NotPositive,
    /// A range that ends before it starts.
    Backwards,
    /// Frames, and no frame rate is known.
    NeedsFrameRate,
    /// More than a day.
    TooLong,
}

impl fmt::Display for Wrong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Unreadable => "is not a length of time",
            Self::NotPositive => "is not above 0 seconds",
            Self::Backwards => "ends before it starts",
            Self::NeedsFrameRate => "counts frames, and no frame rate is given",
            Self::TooLong => "is longer than a day",
        })
    }
}

impl Wrong {
    /// A stable name for the problem.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable | Self::NeedsFrameRate => "wrong-duration",
            Self::NotPositive | Self::Backwards => "duration-not-positive",
            Self::TooLong => "duration-too-long",
        }
    }

    /// What to write instead.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Unreadable => {
                "write seconds or a range, such as `5s`, `2.5`, `1m 30s` or `0:00-0:05`"
            }
            Self::NotPositive => {
                "leave it out for the model's default, or write a positive length such as `5s`"
            }
            Self::Backwards => "write the start first: `0:00-0:05`",
            Self::NeedsFrameRate => {
                "add the rate, `150 frames @ 30 fps`, or `fps:` to the front matter"
            }
            Self::TooLong => "write the length of this scene in seconds, such as `5s`",
        }
    }
}

/// Reads a length or a range of time; `frame_rate` is the film's, for times that count frames.
pub(crate) fn parse(text: &str, frame_rate: Option<f64>) -> Result<Length, Wrong> {
    if text.len() > 4 * MAX_CHARS || text.chars().count() > MAX_CHARS {
        return Err(Wrong::Unreadable);
    }
    // Seconds with or without their unit are nearly all there is.
    let plain = text.trim();
    let plain = plain.strip_suffix('s').unwrap_or(plain).trim_end();
    if !plain.is_empty() && plain.len() <= 5 && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = plain.bytes().fold(0.0, |sum, digit| sum * 10.0 + f64::from(digit - b'0'));
        return length(seconds, false, text.contains('s'));
    }
    let text: String = text.chars().map(plain_char).collect::<String>().to_lowercase();
    let (text, own_rate) = take_frame_rate(&text);
    let rate = own_rate.or(frame_rate);
    let text = strip(&text);
    let mut text = text.strip_suffix(['.', ';', ',']).unwrap_or(text).trim_end();
    for about in [
        "approximately",
        "approx.",
        "approx",
        "about",
        "ca.",
        "circa",
        "~",
        "≈",
        "约",
        "約",
        "around",
    ] {
        if let Some(rest) = text.strip_prefix(about) {
            text = rest.trim_start();
            break;
        }
    }
    if let Some(rest) = text.strip_prefix('-') {
        // A minus in front of a readable time is a negative time; anything else is no time.
        return match moment(rest.trim(), rate) {
            Ok(_) => Err(Wrong::NotPositive),
            Err(_) => Err(Wrong::Unreadable),
        };
    }
    if let Some((start, end)) = ends(text, rate)? {
        let ambiguous = start.whole_number && end.whole_number && start.seconds > 0.0;
        return length(end.seconds - start.seconds, ambiguous, true);
    }
    let moment = moment(text, rate)?;
    length(moment.seconds, false, moment.unit)
}

/// The two ends of a range; `None` for what is no range.
fn ends(text: &str, rate: Option<f64>) -> Result<Option<(Moment, Moment)>, Wrong> {
    let Some((from, until)) = split_range(text) else { return Ok(None) };
    let (start, end) = (moment(from, rate)?, moment(until, rate)?);
    if end.seconds > start.seconds {
        Ok(Some((start, end)))
    } else if end.seconds == start.seconds {
        Err(Wrong::NotPositive)
    } else {
        Err(Wrong::Backwards)
    }
}

/// Reads a part of a clip, such as `1.2s - 5.4s`: where it starts and ends, in seconds.
pub(crate) fn range(text: &str, frame_rate: Option<f64>) -> Result<(f64, f64), Wrong> {
    if text.len() > 4 * MAX_CHARS || text.chars().count() > MAX_CHARS {
        return Err(Wrong::Unreadable);
    }
    let text: String = text.chars().map(plain_char).collect::<String>().to_lowercase();
    let (text, own_rate) = take_frame_rate(&text);
    let (start, end) = ends(strip(&text), own_rate.or(frame_rate))?.ok_or(Wrong::Unreadable)?;
    if end.seconds > MAX_SECONDS {
        return Err(Wrong::TooLong);
    }
    let whole = |seconds: f64| (seconds * 1e6).round() / 1e6;
    Ok((whole(start.seconds), whole(end.seconds)))
}

fn length(seconds: f64, ambiguous: bool, unmistakable: bool) -> Result<Length, Wrong> {
    // Whole microseconds: 12.382 - 8.145 is 4.237, not 4.236999999999998.
    let seconds = (seconds * 1e6).round() / 1e6;
    if seconds <= 0.0 {
        Err(Wrong::NotPositive)
    } else if seconds > MAX_SECONDS {
        Err(Wrong::TooLong)
    } else {
        Ok(Length { seconds, ambiguous, unmistakable })
    }
}

/// Wide forms of digits and marks become the plain ones.
fn plain_char(c: char) -> char {
    match c {
        '０'..='９' => {
            char::from_u32(u32::from(c) - u32::from('０') + u32::from('0')).unwrap_or(c)
        }
        '：' => ':',
        '．' => '.',
        '，' => ',',
        '（' | '[' | '【' | '［' => '(',
        '）' | ']' | '】' | '］' => ')',
        '–' | '—' | '−' | '‐' | '‑' | '－' | '→' | '〜' | '～' => '-',
        '″' | '”' | '“' => '"',
        '\u{a0}' | '\u{3000}' | '\u{202f}' | '\t' | '\n' | '\r' => ' ',
        _ => c,
    }
}

/// Takes quotes, marks and brackets around the whole away, and a bracketed remark after it.
fn strip(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let inner = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .or_else(|| text.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')))
            .or_else(|| text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')))
            .or_else(|| text.strip_prefix('*').and_then(|rest| rest.strip_suffix('*')))
            .or_else(|| {
                text.strip_prefix('(')
                    .and_then(|rest| rest.strip_suffix(')'))
                    .filter(|inner| !inner.contains(['(', ')']))
            });
        match inner {
            Some(inner) if !inner.trim().is_empty() => text = inner.trim(),
            _ => break,
        }
    }
    let remark = [text.find('('), text.find(", "), text.find("; "), text.find('|')]
        .into_iter()
        .flatten()
        .filter(|at| *at > 0)
        .min();
    remark.map_or(text, |at| text[..at].trim_end())
}

/// Takes `24 fps` or `@24fps` out of the text.
fn take_frame_rate(text: &str) -> (String, Option<f64>) {
    let Some(at) = text.find("fps") else {
        return (text.to_owned(), None);
    };
    let before = text[..at].trim_end();
    let number_start = before
        .rfind(|c: char| !(c.is_ascii_digit() || c == '.'))
        .map_or(0, |index| index + before[index..].chars().next().map_or(1, char::len_utf8));
    let Ok(rate) = before[number_start..].parse::<f64>() else {
        return (text.to_owned(), None);
    };
    if !(rate.is_finite() && rate > 0.0) {
        return (text.to_owned(), None);
    }
    let head = before[..number_start].trim_end_matches(['@', ' ', '(', ',', '/']);
    let tail = text[at + 3..].trim_start_matches([')', ' ']);
    (format!("{head} {tail}"), Some(rate))
}

fn split_range(text: &str) -> Option<(&str, &str)> {
    for word in [" to ", " bis ", " tot ", " until "] {
        if let Some((from, until)) = text.split_once(word) {
            return Some((from.trim(), until.trim()));
        }
    }
    let at = text.char_indices().skip(1).find(|(_, c)| matches!(c, '-' | '~')).map(|(at, _)| at)?;
    let until = text[at + 1..].trim_start_matches(['-', '>', ' ']);
    Some((text[..at].trim(), until.trim()))
}

struct Moment {
    seconds: f64,
    /// It has a unit or a colon.
    unit: bool,
    /// It is written as a whole number of seconds, with or without a unit.
    whole_number: bool,
}

fn moment(text: &str, rate: Option<f64>) -> Result<Moment, Wrong> {
    let text = text.trim();
    if text.contains(':') {
        return clock(text, rate).map(|seconds| Moment {
            seconds,
            unit: true,
            whole_number: false,
        });
    }
    let mut rest = text;
    let mut total = 0.0;
    let mut parts = 0;
    let mut any_unit = false;
    let mut after_minutes = false;
    let mut whole = true;
    while !rest.is_empty() {
        let (number, digits, after) = number(rest).ok_or(Wrong::Unreadable)?;
        whole &= digits;
        let after = after.trim_start();
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c.is_whitespace() || c == ',')
            .unwrap_or(after.len());
        let unit = after[..unit_end].trim_end_matches('.');
        let scale = match unit {
            "" if parts == 0 && after.is_empty() => 1.0,
            "" if after_minutes && after.is_empty() => 1.0,
            "s" | "sec" | "secs" | "second" | "seconds" | "秒" | "秒钟" | "秒間" | "sek"
            | "sekunde" | "sekunden" | "seconde" | "seconden" | "seg" | "segundo" | "segundos"
            | "secondes" | "secondi" | "с" | "сек" | "\"" | "''" => 1.0,
            "ms" | "msec" | "毫秒" | "milliseconds" => 0.001,
            "m" | "min" | "mins" | "minute" | "minutes" | "分" | "分钟" | "分間" | "minuten"
            | "minuto" | "minutos" | "minuti" | "мин" | "'" => 60.0,
            "h" | "hr" | "hrs" | "hour" | "hours" | "小时" | "時間" | "stunde" | "stunden"
            | "uur" => 3600.0,
            "f" | "fr" | "frame" | "frames" | "帧" | "フレーム" | "コマ" | "bilder" => {
                whole = false;
                1.0 / rate.ok_or(Wrong::NeedsFrameRate)?
            }
            _ => return Err(Wrong::Unreadable),
        };
        whole &= (scale - 1.0_f64).abs() < f64::EPSILON;
        any_unit |= !unit.is_empty();
        after_minutes = (scale - 60.0_f64).abs() < f64::EPSILON;
        total += number * scale;
        parts += 1;
        rest = after[unit_end..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    if parts == 0 {
        return Err(Wrong::Unreadable);
    }
    Ok(Moment { seconds: total, unit: any_unit, whole_number: whole && parts == 1 })
}

/// A decimal number at the start of a text, whether it is whole, and what follows.
fn number(text: &str) -> Option<(f64, bool, &str)> {
    let whole = text.bytes().take_while(u8::is_ascii_digit).count();
    let mut end = whole;
    let mut decimals = 0;
    if let Some(after) = text[end..].strip_prefix(['.', ',']) {
        decimals = after.bytes().take_while(u8::is_ascii_digit).count();
        if decimals > 0 {
            end += 1 + decimals;
        }
    }
    if (whole == 0 && decimals == 0) || end > 20 {
        return None;
    }
    let number = text[..end].replace(',', ".").parse::<f64>().ok()?;
    Some((number, decimals == 0, &text[end..]))
}

/// `m:ss`, `h:mm:ss`, `m:ss.frac`, `m:ss.ff` and `hh:mm:ss:ff`.
fn clock(text: &str, rate: Option<f64>) -> Result<f64, Wrong> {
    let text = ["seconds", "sec", "s"]
        .iter()
        .find_map(|unit| text.strip_suffix(unit))
        .unwrap_or(text)
        .trim_end();
    let parts: Vec<&str> = text.split([':', ';']).map(str::trim).collect();
    let whole = |part: &str| -> Result<f64, Wrong> {
        if part.len() <= 6 && part.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(part.bytes().fold(0.0, |sum, digit| sum * 10.0 + f64::from(digit - b'0')))
        } else {
            Err(Wrong::Unreadable)
        }
    };
    let (hours, minutes, seconds, frames) = match parts.as_slice() {
        [minutes, seconds] => ("", *minutes, *seconds, None),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds, None),
        [hours, minutes, seconds, frames] => (*hours, *minutes, *seconds, Some(*frames)),
        _ => return Err(Wrong::Unreadable),
    };
    if seconds.is_empty() {
        return Err(Wrong::Unreadable);
    }
    let mut total = whole(hours)? * 3600.0 + whole(minutes)? * 60.0;
    let (seconds, fraction) = match seconds.split_once(['.', ',']) {
        Some((seconds, fraction)) => (seconds, Some(fraction)),
        None => (seconds, None),
    };
    total += whole(seconds)?;
    if let Some(fraction) = fraction {
        let digits = whole(fraction)?;
        total += match rate {
            Some(rate) if fraction.len() == 2 => digits / rate,
            _ if fraction.is_empty() => return Err(Wrong::Unreadable),
            _ => digits / 10_f64.powi(i32::try_from(fraction.len()).unwrap_or(6)),
        };
    }
    if let Some(frames) = frames {
        if frames.is_empty() {
            return Err(Wrong::Unreadable);
        }
        total += whole(frames)? / rate.ok_or(Wrong::NeedsFrameRate)?;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(text: &str) -> Result<f64, Wrong> {
        parse(text, None).map(|length| length.seconds)
    }

    #[test]
    fn the_forms_of_the_wild() {
        for (text, expected) in [
            ("5s", 5.0),
            ("5 s", 5.0),
            ("8.0 s", 8.0),
            ("5 seconds (150 frames)", 5.0),
            ("5秒", 5.0),
            ("（2.5秒）", 2.5),
            ("(6s)", 6.0),
            ("~5 s", 5.0),
            ("\"12\"", 12.0),
            ("3.0", 3.0),
            ("0:00–0:05", 5.0),
            ("[0:00-0:05]", 5.0),
            ("0:55 → 1:05", 10.0),
            ("8.145-12.382", 4.237),
            ("0:12.07", 12.07),
            ("0:05", 5.0),
            ("1:02:03", 3723.0),
            ("1m30s", 90.0),
            ("1 min 30", 90.0),
            ("1 minute and 5 seconds", 65.0),
            ("2,5 s", 2.5),
            ("500ms", 0.5),
            ("5 Sekunden", 5.0),
            ("５秒", 5.0),
            ("0s to 4s", 4.0),
            ("0-5s", 5.0),
            ("5s.", 5.0),
            ("approx. 5 sec", 5.0),
            ("150 frames @ 30 fps", 5.0),
            ("0:12.12 @24fps", 12.5),
            ("00:00:05:12 (24 fps)", 5.5),
            ("0:00-0:05 (5s)", 5.0),
            ("`6s`", 6.0),
            ("5\"", 5.0),
            (":05", 5.0),
            ("5s, slow", 5.0),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_length_says_why() {
        for (text, expected) in [
            ("", Wrong::Unreadable),
            ("soon", Wrong::Unreadable),
            ("5 bananas", Wrong::Unreadable),
            ("5s5", Wrong::Unreadable),
            ("1e9", Wrong::Unreadable),
            ("NaN", Wrong::Unreadable),
            ("inf", Wrong::Unreadable),
            ("0", Wrong::NotPositive),
            ("0:00", Wrong::NotPositive),
            ("-5s", Wrong::NotPositive),
            ("0:05-0:05", Wrong::NotPositive),
            ("0:05-0:01", Wrong::Backwards),
            ("150 frames", Wrong::NeedsFrameRate),
            ("00:00:05:12", Wrong::NeedsFrameRate),
            ("99999999", Wrong::TooLong),
            ("5 m - x", Wrong::Unreadable),
            ("1:2:3:4:5", Wrong::Unreadable),
        ] {
            assert_eq!(seconds(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_frame_rate_makes_two_digits_frames() {
        assert_eq!(parse("0:12.07", Some(25.0)).map(|length| length.seconds), Ok(12.28));
        assert_eq!(parse("0:12.070", Some(25.0)).map(|length| length.seconds), Ok(12.07));
    }

    #[test]
    fn only_bare_ranges_are_ambiguous() {
        for (text, ambiguous) in
            [("3-5s", true), ("3-5", true), ("0-5s", false), ("0:03-0:05", false), ("5s", false)]
        {
            assert_eq!(parse(text, None).map(|length| length.ambiguous), Ok(ambiguous), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,60}") {
            if let Ok(length) = parse(&text, Some(24.0)) {
                prop_assert!(length.seconds > 0.0 && length.seconds <= MAX_SECONDS);
            }
        }

        #[test]
        fn text_made_of_the_grammar_does_not_panic(text in "[-0-9:.,;~ smhf()\"@fps秒–]{0,24}") {
            if let Ok(length) = parse(&text, None) {
                prop_assert!(length.seconds > 0.0 && length.seconds <= MAX_SECONDS);
            }
        }

        #[test]
        fn every_form_of_one_length_agrees(thousandths in 1_u32..3_599_000) {
            let expected = f64::from(thousandths) / 1000.0;
            let (minutes, rest) = (thousandths / 60_000, thousandths % 60_000);
            let (whole, fraction) = (rest / 1000, rest % 1000);
            for text in [
                format!("{expected}"),
                format!("{expected}s"),
                format!("{expected} seconds"),
                format!("（{expected}秒）"),
                format!("{minutes}:{whole:02}.{fraction:03}"),
                format!("{minutes}m {}s", f64::from(rest) / 1000.0),
                format!("0:00-{minutes}:{whole:02}.{fraction:03}"),
                format!("{thousandths} ms"),
            ] {
                let read = seconds(&text);
                prop_assert_eq!(read, Ok(expected), "{}", text);
            }
        }
    }
}
