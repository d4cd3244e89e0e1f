//! Aspect ratios in one spelling.

/// `16x9`, `16 : 9`, `1920×1080` and `portrait` as `16:9` or `9:16`; `Auto` stays.
pub(crate) fn ratio(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > 80 {
        return None;
    }
    let lower = text.to_lowercase();
    match lower.as_str() {
        "auto" | "automatic" | "adaptive" => return Some("Auto".to_owned()),
        "landscape" | "horizontal" | "widescreen" | "横屏" | "横" | "querformat" => {
            return Some("16:9".to_owned());
        }
        "portrait" | "vertical" | "竖屏" | "竖" | "縦" | "hochformat" => {
            return Some("9:16".to_owned());
        }
        "square" | "方形" | "quadrat" => return Some("1:1".to_owned()),
        _ => {}
    }
    let plain: String = lower
        .chars()
        .map(|c| match c {
            '：' | '∶' | '/' | '×' | 'x' | '*' => ':',
            '（' | '[' | ',' | ';' | '，' => '(',
            _ => c,
        })
        .collect();
    let (left, right) = plain.split('(').next()?.split_once(':')?;
    let right = right.trim();
    // Words after the ratio (`9:16 vertical`) are a remark.
    let right = right.split_whitespace().next()?;
    let number = |part: &str| -> Option<f64> {
        let part = part.trim();
        let digits = !part.is_empty()
            && part.len() <= 8
            && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        part.parse::<f64>().ok().filter(|number| digits && *number > 0.0)
    };
    let (width, height) = (number(left)?, number(right)?);
    if width.fract() == 0.0 && height.fract() == 0.0 && (width > 100.0 || height > 100.0) {
        // Pixels: 1920x1080 is 16:9.
        let (mut a, mut b) = (width, height);
        while b > 0.0 {
            (a, b) = (b, a % b);
        }
        return Some(format!("{}:{}", width / a, height / a));
    }
    Some(format!("{width}:{height}"))
}
