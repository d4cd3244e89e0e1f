//! The free local renderer: every scene becomes an animatic, drawn and encoded on this machine.
//!
//! A scene is drawn as a stage in five depths, or from a picture, and filmed by a camera that performs the author's
//! words; footage plays, titles are cards, and a scene that starts from another one goes on from its frame. The slate,
//! the subtitles and the timecode stand still on top. The same [`Shot`] gives the same bytes on
//! one machine and build, whatever the number of threads; text in other scripts than the bundled font has depends on
//! the system's fonts.

use std::io;
use std::path::{Path, PathBuf};

use crate::media::MuxError;

#[cfg(feature = "preview")]
mod camera;
#[cfg(feature = "preview")]
mod card;
#[cfg(feature = "preview")]
mod cast;
#[cfg(feature = "preview")]
mod chain;
#[cfg(feature = "preview")]
mod clip;
#[cfg(feature = "preview")]
mod frame;
#[cfg(feature = "preview")]
mod geometry;
#[cfg(feature = "preview")]
#[cfg(feature = "preview")]
mod layer;
#[cfg(feature = "preview")]
mod lineage;
#[cfg(feature = "preview")]
mod mood;
#[cfg(feature = "preview")]
mod page;
#[cfg(feature = "preview")]
mod palette;
#[cfg(feature = "preview")]
mod picture;
#[cfg(feature = "preview")]
mod scene;
#[cfg(feature = "preview")]
mod scenery;
#[cfg(feature = "preview")]
mod sheet;
#[cfg(feature = "preview")]
mod slate;
mod source;
#[cfg(feature = "preview")]
mod stage;
#[cfg(feature = "preview")]
mod timeline;
#[cfg(feature = "preview")]
mod typeset;

pub use source::{Portrait, Source, Step};

/// Frames a second of every preview.
pub const FRAMES_PER_SECOND: u32 = 24;

/// The longest clip that is rendered, in seconds, extensions included.
pub const LONGEST_CLIP: f64 = 3600.0;

/// Everything that is drawn for one scene.
#[derive(Debug, Clone, PartialEq)]
pub struct Shot {
    /// The scene's id as shown, such as `7`, `2.1` or `hook`.
    pub scene: String,
    /// The scene's place in the film, counted from one, and the number of scenes.
    pub position: (usize, usize),
    /// The name of the film.
    pub film_title: Option<String>,
    /// The name of the scene.
    pub title: Option<String>,
    /// The shot size in the author's words, such as `Wide shot`.
    pub shot: Option<String>,
    /// The camera in the author's words, such as `slow dolly in`. Without it, sentences of the words that speak of the
    /// camera are followed.
    pub camera: Option<String>,
    /// The prompt or visual that is shown, and that the stage is built from.
    pub words: String,
    /// Lines of dialogue in their order, such as `Ada: Not tonight.`; shown as subtitles, each for a time in proportion to its words.
    pub dialogue: Vec<String>,
    /// Labels of what is heard, such as `SFX: waves`.
    pub sound: Vec<String>,
    /// Text that the finished film shows on screen.
    pub text_overlay: Option<String>,
    /// The way out of the scene; fades are performed.
    pub transition: Option<String>,
    /// The model's name as shown.
    pub model: String,
    /// Film length of the base clip in seconds, above zero.
    pub duration: f64,
    /// What makes the clip longer, in order.
    pub extensions: Vec<Extension>,
    /// The label of an upscale, such as `4K`. It doubles the preview, at most to 1280x720 pixels or the same upright.
    pub upscale: Option<String>,
    /// Width to height of the film.
    pub aspect_ratio: (u32, u32),
    /// What the picture is made of.
    pub source: Source,
    /// Where the picture comes from, in a few words: `from scene 3, last frame`.
    pub origin: Option<String>,
    /// The steps of the chain in order; shown where there is more than one.
    pub steps: Vec<Step>,
    /// The characters in the scene.
    pub cast: Vec<Portrait>,
}

/// A continuation of a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Extension {
    /// Its prompt.
    pub words: String,
    /// Its camera in the author's words; without it, sentences of the words that speak of the camera are followed.
    pub camera: Option<String>,
    /// How much longer it makes the clip, in seconds, above zero.
    pub seconds: f64,
}

/// A finished preview.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Number of frames, at 24 a second.
    pub frames: u64,
    /// Length in seconds: the frames' time, so durations are rounded to frames.
    pub duration: f64,
    /// Size of the file in bytes.
    pub bytes: u64,
}

/// How far one of several renderings is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The place of the shot among those given, counted from zero.
    pub index: usize,
    /// Frames done.
    pub frames: u64,
    /// Frames of the whole clip.
    pub of: u64,
}

/// Why a preview could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreviewError {
    /// The program was built without the renderer.
    #[error(
        "this build has no preview renderer; build storyreel with its default features, which need a C++ compiler"
    )]
    NoRenderer,
    /// A duration cannot be filmed.
    #[error(
        "scene `{scene}` has {what} of {seconds} s; previews need more than 0 s and at most {LONGEST_CLIP} s in all"
    )]
    Duration {
        /// The scene's id.
        scene: String,
        /// `a duration` or `an extension`.
        what: &'static str,
        /// The duration in seconds.
        seconds: f64,
    },
    /// An aspect ratio cannot be filmed.
    #[error(
        "scene `{scene}` has an aspect ratio of {width}:{height}; previews need sides between 1:4 and 4:1"
    )]
    AspectRatio {
        /// The scene's id.
        scene: String,
        /// The first part of the ratio.
        width: u32,
        /// The second part of the ratio.
        height: u32,
    },
    /// The reference image cannot be used.
    #[error("the reference image `{path}` {why}")]
    Reference {
        /// The image file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The scene cannot begin with what it starts from.
    #[error("scene `{scene}` {why}")]
    Start {
        /// The scene's id.
        scene: String,
        /// What is wrong, as the rest of a sentence.
        why: String,
    },
    /// A drawing failed inside the drawing library.
    #[error("the slate cannot be drawn: {0}")]
    Drawing(String),
    /// The encoder failed.
    #[error("the preview cannot be encoded: {0}")]
    Encoding(String),
    /// The frames could not be put into a file's form.
    #[error(transparent)]
    Muxing(#[from] MuxError),
    /// The file could not be written.
    #[error("the preview `{path}` cannot be written: {source}")]
    Writing {
        /// The file that was to be made.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Drawing or encoding broke off in a way that it never should.
    #[error(
        "the preview of scene `{0}` broke off; this is a fault in storyreel, please report it with the scene's text"
    )]
    BrokeOff(String),
}

/// Renders one scene to an MP4 file. The file appears whole or not at all; one that exists is replaced.
///
/// # Errors
/// [`PreviewError`] names the scene, the image or the file that is in the way. A scene that starts from another one can
/// only be rendered together with it, by [`render_all`].
pub fn render(shot: &Shot, out: &Path) -> Result<Rendered, PreviewError> {
    render_reporting(&Film::of(&[shot], &[0]), 0, out, &mut |_, _| {})
}

/// Renders one scene to the bytes of an MP4 file.
///
/// # Errors
/// As [`render`], without those of writing.
pub fn clip_bytes(shot: &Shot) -> Result<Vec<u8>, PreviewError> {
    Ok(Film::of(&[shot], &[0]).make(0, &mut |_, _| {})?.0)
}

/// Renders scenes side by side, on `threads` threads (at least one). A shot without a file is not rendered: others start
/// from it. The results come in the order of the shots that are rendered, and one failure leaves all others alone that
/// do not start from it. `progress` is called from every thread, about twice for each second of film.
pub fn render_all(
    shots: &[(Shot, Option<PathBuf>)],
    threads: usize,
    progress: &(dyn Fn(Progress) + Sync),
) -> Vec<Result<Rendered, PreviewError>> {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    let work: Vec<(usize, &Path)> =
        shots.iter().enumerate().filter_map(|(at, (_, out))| Some((at, out.as_deref()?))).collect();
    let film: Vec<&Shot> = shots.iter().map(|(shot, _)| shot).collect();
    let film = Film::of(&film, &work.iter().map(|(at, _)| *at).collect::<Vec<_>>());
    // The longest work first, so that no thread starts on it when the others are about to rest.
    let mut order: Vec<usize> = (0..work.len()).collect();
    let effort = |index: &usize| {
        let shot = &shots[work[*index].0].0;
        let seconds =
            shot.duration + shot.extensions.iter().map(|extension| extension.seconds).sum::<f64>();
        seconds * if shot.upscale.is_some() { 4.0 } else { 1.0 }
    };
    order.sort_by(|a, b| effort(b).total_cmp(&effort(a)));
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, work.len().max(1)) {
            let (sender, order, next) = (sender.clone(), &order, &next);
            let (film, work) = (&film, &work);
            scope.spawn(move || {
                while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (at, out) = work[index];
                    let mut report = |frames, of| progress(Progress { index, frames, of });
                    let work = std::panic::AssertUnwindSafe(|| {
                        render_reporting(film, at, out, &mut report)
                    });
                    // A fault in one scene must not take the other clips with it.
                    let result = std::panic::catch_unwind(work)
                        .unwrap_or_else(|_| Err(PreviewError::BrokeOff(film.scene(at))));
                    // The receiver outlives every thread, so nothing is lost here.
                    let _ = sender.send((index, result));
                }
            });
        }
    });
    drop(sender);
    let mut results: Vec<Option<Result<Rendered, PreviewError>>> =
        work.iter().map(|_| None).collect();
    for (index, result) in receiver {
        results[index] = Some(result);
    }
    results
        .into_iter()
        .zip(&work)
        .map(|(result, (at, _))| {
            result.unwrap_or_else(|| Err(PreviewError::BrokeOff(film.scene(*at))))
        })
        .collect()
}

/// One take on a contact sheet.
#[derive(Debug, Clone)]
pub struct Strip {
    /// `Scene 3`, in bold.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Smaller lines below: take, model, length, credits.
    pub details: Vec<String>,
    /// Its pictures in order, one for a still; or why there are none.
    pub pictures: Result<Vec<image::RgbImage>, String>,
}

/// Draws a contact sheet. The same strips give the same bytes.
///
/// # Errors
/// [`PreviewError`] where the drawing itself fails, and in a build without the renderer.
pub fn sheet(title: &str, strips: &[Strip]) -> Result<image::RgbImage, PreviewError> {
    #[cfg(feature = "preview")]
    return sheet::draw(title, strips);
    #[cfg(not(feature = "preview"))]
    {
        let _ = (title, strips);
        Err(PreviewError::NoRenderer)
    }
}

/// Reads a picture within limits; the error continues a sentence that begins with its name.
pub fn read_picture(path: &Path) -> Result<image::DynamicImage, String> {
    #[cfg(feature = "preview")]
    return picture::read(path);
    #[cfg(not(feature = "preview"))]
    {
        let _ = path;
        Err("cannot be read: this build draws nothing".to_owned())
    }
}

/// Shots that may start from each other.
struct Film<'a> {
    shots: Vec<&'a Shot>,
    #[cfg(feature = "preview")]
    openings: Vec<Result<lineage::Opening<'a>, String>>,
}

impl<'a> Film<'a> {
    /// Looks where the wanted shots begin.
    fn of(shots: &[&'a Shot], wanted: &[usize]) -> Self {
        #[cfg(not(feature = "preview"))]
        let _ = wanted;
        Self {
            shots: shots.to_vec(),
            #[cfg(feature = "preview")]
            openings: lineage::openings(shots, wanted),
        }
    }

    fn scene(&self, at: usize) -> String {
        self.shots[at].scene.clone()
    }

    #[cfg(feature = "preview")]
    fn make(
        &self,
        at: usize,
        report: &mut dyn FnMut(u64, u64),
    ) -> Result<(Vec<u8>, Rendered), PreviewError> {
        match &self.openings[at] {
            Ok(opening) => clip::make(self.shots[at], opening, report),
            Err(why) => Err(PreviewError::Start { scene: self.scene(at), why: why.clone() }),
        }
    }

    #[cfg(not(feature = "preview"))]
    fn make(
        &self,
        _: usize,
        _: &mut dyn FnMut(u64, u64),
    ) -> Result<(Vec<u8>, Rendered), PreviewError> {
        Err(PreviewError::NoRenderer)
    }
}

fn render_reporting(
    film: &Film<'_>,
    at: usize,
    out: &Path,
    report: &mut dyn FnMut(u64, u64),
) -> Result<Rendered, PreviewError> {
    let (bytes, rendered) = film.make(at, report)?;
    write_whole(&bytes, out)
        .map_err(|source| PreviewError::Writing { path: out.display().to_string(), source })?;
    Ok(rendered)
}

/// Writes beside the target first: a full disk or a crash leaves no half a clip under its name.
fn write_whole(bytes: &[u8], out: &Path) -> io::Result<()> {
    use std::io::Write as _;

    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".preview-").suffix(".mp4");
    // Temporary files are private; a finished clip has the rights that any new file gets.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(out)?;
    Ok(())
}
