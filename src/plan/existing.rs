//! Scenes that are not generated, and what all scenes say of the cut: no request has any of it, and it is checked all
//! the same.

use super::ask::number;
use super::outcome::Reason;
use super::planner::Planning;
use super::prepare::field_span;
use crate::known::Footage;
use crate::media::Probe;
use crate::source::Diagnostic;
use crate::storyboard::{Field, Fields, Scene};
use std::path::Path;

/// Codecs of clips and stills that editors and players are known to read.
const KNOWN_CODECS: [&str; 8] = ["h264", "hevc", "av1", "vp9", "vp8", "png", "jpeg", "webp"];

/// Lengths that differ by less are the same: a frame more or less is nobody's mistake.
const TOLERANCE: f64 = 0.05;

/// Fields that ask for a picture, of which a scene that exists already makes nothing.
const PROMPTS: [Field; 2] = [Field::Prompt, Field::ImagePrompt];

/// Why a scene is not generated at all.
pub(super) fn not_generated(fields: &Fields) -> Option<Reason> {
    let kind = fields.text(Field::Kind).unwrap_or_default();
    let why = match (fields.text(Field::File), kind) {
        (Some(file), _) if fields.is_still() || is_picture(file) => {
            format!("a still that exists: `{file}`")
        }
        (Some(file), _) => format!("footage that exists: `{file}`"),
        (None, "footage") => "footage, which nobody generates".to_owned(),
        (None, "title") => "a title card, which is drawn in the cut".to_owned(),
        (None, "black") => "black, which needs no clip".to_owned(),
        _ => return None,
    };
    Some(Reason::because("image-scene", why))
}

/// True for the name of a picture.
fn is_picture(file: &str) -> bool {
    let ending = Path::new(file).extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| {
        ["png", "jpg", "jpeg", "webp"].iter().any(|known| ending.eq_ignore_ascii_case(known))
    })
}

/// Checks a scene that is not generated.
pub(super) fn check(
    planning: &Planning<'_>,
    scene: &Scene,
    fields: &Fields,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut found = Existing { planning, scene, fields, diagnostics };
    let seconds = match fields.text(Field::File) {
        Some(file) => found.file(file),
        None => {
            found.card();
            None
        }
    };
    check_used(planning, scene, fields, seconds, diagnostics);
}

struct Existing<'a, 'p> {
    planning: &'a Planning<'p>,
    scene: &'a Scene,
    fields: &'a Fields,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Existing<'_, '_> {
    fn push(&mut self, field: Field, problem: impl FnOnce(crate::source::Span) -> Diagnostic) {
        let span = field_span(self.planning, self.scene, None, field);
        let mut problem = problem(span);
        if problem.label.is_empty() {
            problem.label = format!("scene {}", self.scene.id);
        }
        self.diagnostics.push(problem);
    }

    /// Checks a file, and gives the length of a clip.
    fn file(&mut self, file: &str) -> Option<f64> {
        let prompt = PROMPTS.into_iter().find(|field| self.scene.fields.has(*field));
        if let Some(prompt) = prompt {
            let message = format!(
                "scene {} has a `file`, so nothing is generated from its `{}`",
                self.scene.id,
                prompt.name()
            );
            self.push(prompt, |span| {
                Diagnostic::warning("never-generated", message, span).label("not used").hint(
                    "take the `file` away to have it generated, or keep these words under `notes`",
                )
            });
        }
        // Whoever plans without looking at files knows nothing of them.
        match self.planning.known.footage.get(file)? {
            Footage::Readable(probe) => {
                self.codec(file, probe);
                (probe.duration > 0.0).then_some(probe.duration)
            }
            Footage::Pointer => {
                let message =
                    format!("the file `{file}` is a Git LFS pointer, not the file itself");
                self.push(Field::File, |span| {
                    Diagnostic::warning("footage", message, span)
                        .hint("`git lfs pull` brings the file here")
                });
                None
            }
            Footage::Unusable(why) => {
                let message = format!("the file `{file}` {why}");
                self.push(Field::File, |span| {
                    Diagnostic::error("footage", message, span).hint(
                        "name an MP4 or MOV clip or a PNG, JPEG or WebP picture inside the project; paths are \
                         relative to the file that they stand in",
                    )
                });
                None
            }
        }
    }

    fn codec(&mut self, file: &str, probe: &Probe) {
        if KNOWN_CODECS.contains(&probe.codec.as_str()) {
            return;
        }
        let message = format!("nothing is known of the codec `{}` of `{file}`", probe.codec);
        self.push(Field::File, |span| {
            Diagnostic::warning("unknown-codec", message, span)
                .hint("convert it to H.264 if your editor cannot read it")
        });
    }

    /// Checks a scene that names no file.
    fn card(&mut self) {
        let (id, kind) = (&self.scene.id, self.fields.text(Field::Kind).unwrap_or_default());
        if kind == "footage" {
            let message = format!("scene {id} is footage and names no `file`");
            self.push(Field::Kind, |span| {
                Diagnostic::error("footage", message, span)
                    .hint("add `file: footage/harbour.mp4`, or take the type away to have the scene generated")
            });
        } else if !self.fields.has(Field::Duration) {
            let message = format!("scene {id} has no duration");
            let label = format!("nobody can tell how long the {kind} is shown");
            self.diagnostics.push(
                Diagnostic::warning("no-duration", message, self.scene.id_span)
                    .label(label)
                    .hint("write its length in the film, for example `Duration: 3s`"),
            );
        }
    }
}

/// Checks the parts of clips that the cut uses. `clip` is the length of the scene's clip in seconds, where it has one.
pub(super) fn check_used(
    planning: &Planning<'_>,
    scene: &Scene,
    fields: &Fields,
    clip: Option<f64>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let ranges = fields.ranges(Field::Use);
    if ranges.is_empty() {
        return;
    }
    let mut warn = |code, message: String, hint: String| {
        let span = field_span(planning, scene, None, Field::Use);
        let label = format!("scene {}", scene.id);
        diagnostics.push(Diagnostic::warning(code, message, span).label(label).hint(hint));
    };
    let told = |seconds: f64| number((seconds * 1000.0).round() / 1000.0);
    // Another take may have another length.
    let end = ranges.iter().filter(|range| range.take.is_none()).map(|range| range.end);
    let end = end.fold(0.0, f64::max);
    if let Some(clip) = clip.filter(|clip| end > clip + TOLERANCE) {
        let message = format!("`use` ends at {} s, and the clip at {} s", told(end), told(clip));
        warn(
            "use-past-end",
            message,
            "end it where the clip ends, or ask for a longer clip".into(),
        );
    }
    let used: f64 = ranges.iter().map(crate::storyboard::UsedRange::seconds).sum();
    if let Some(film) = fields.seconds(Field::Duration).filter(|film| used > film + TOLERANCE) {
        let message = format!(
            "`use` takes {} s of the clip, and scene {} is {} s long in the film",
            told(used),
            scene.id,
            told(film)
        );
        warn(
            "use-too-long",
            message,
            format!("use less of it, or write `duration: {}`", told(used)),
        );
    }
}
