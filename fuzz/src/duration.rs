//! Lengths of time, in storyboards and in configuration files.

use storyreel::settings::{Rate, quantity};
use storyreel::storyboard;

pub fn check(text: &str) {
    for rate in [None, Some(24.0), Some(29.97)] {
        let read = storyboard::read_seconds(text, rate);
        assert_eq!(read, storyboard::read_seconds(text, rate), "reading twice gives the same");
        let Ok(seconds) = read else { continue };
        assert!(seconds.is_finite() && seconds > 0.0 && seconds <= 86_400.0, "{seconds} s");
        if text.chars().count() > 100 {
            continue;
        }
        let padded = format!("  {text}\u{a0}\t");
        assert_eq!(
            storyboard::read_seconds(&padded, rate),
            Ok(seconds),
            "spaces around it mean nothing"
        );
        let plain = seconds.to_string();
        assert_eq!(storyboard::read_seconds(&plain, rate), Ok(seconds), "{plain} means itself");
    }
    if let Ok(time) = quantity::duration(text) {
        assert!(time.as_secs() < 1 << 40, "{time:?}");
    }
    let _ = quantity::bytes(text);
    if let Ok(rate) = Rate::parse(text) {
        assert!(rate.count > 0 && !rate.window.is_zero(), "{rate:?}");
    }
}
