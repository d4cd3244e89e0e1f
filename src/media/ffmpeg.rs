//! Taking a frame out of a clip with the ffmpeg program, for what cannot be decoded here.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use image::{ImageFormat, ImageReader, RgbImage};

use super::frame::Which;

/// How often a running ffmpeg is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How much of what ffmpeg says is repeated, in bytes.
const LONGEST_MESSAGE: u64 = 400;
/// What of the environment ffmpeg gets: what it takes to start, and no key.
const ENVIRONMENT: [&str; 8] =
    ["PATH", "HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SystemRoot", "TMPDIR", "TEMP", "TMP"];

/// How ffmpeg is called.
#[derive(Debug, Clone)]
pub struct Ffmpeg {
    /// The program, looked for in `PATH` if it is a plain name.
    pub program: OsString,
    /// What stands before the arguments that a call is made of.
    pub arguments: Vec<OsString>,
    /// How long one frame may take.
    pub limit: Duration,
}

impl Default for Ffmpeg {
    /// `ffmpeg` in `PATH`, for a minute.
    fn default() -> Self {
        Self { program: "ffmpeg".into(), arguments: Vec::new(), limit: Duration::from_secs(60) }
    }
}

/// Why ffmpeg gave no picture.
#[derive(Debug, thiserror::Error)]
pub enum FfmpegError {
    /// There is no such program.
    #[error("is not installed")]
    Missing,
    /// It ran, and there is no picture.
    #[error("failed: {0}")]
    Failed(String),
    /// It did not end in time.
    #[error("did not end within {} s", .0.as_secs())]
    TooSlow(Duration),
    /// It could not be run, or its picture could not be read.
    #[error("cannot be run: {0}")]
    Io(#[from] io::Error),
}

impl Ffmpeg {
    /// Takes the frame that is shown first, last, or `middle` seconds after the first; rotation is applied.
    ///
    /// # Errors
    /// [`FfmpegError`]; its text continues a sentence that begins with "ffmpeg".
    pub fn take(&self, clip: &Path, which: Which, middle: f64) -> Result<RgbImage, FfmpegError> {
        let until = Instant::now() + self.limit;
        let folder = tempfile::tempdir()?;
        // The end is sought first, since decoding all of a long clip takes long; but its sound may be longer than its
        // pictures, and then there is none near the end. Only from the very beginning is it certain.
        let middle = format!("{middle:.3}");
        let sought = ["-ss", &middle];
        let starts: &[&[&str]] = match which {
            Which::First => &[&[]],
            Which::Middle => &[&sought, &[]],
            Which::Last => &[&["-sseof", "-1"], &["-sseof", "-10"], &[]],
        };
        let mut said = String::new();
        for (attempt, start) in starts.iter().enumerate() {
            // The newer word and the older one for "neither repeat nor drop a frame"; each is unknown to some.
            for as_they_come in ["-fps_mode", "-vsync"] {
                // What an attempt left behind that failed later is no picture of the next one.
                let output = folder.path().join(format!("{attempt}{as_they_come}.png"));
                let message = folder.path().join("message");
                let mut command = Command::new(&self.program);
                command.env_clear();
                command.envs(
                    ENVIRONMENT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))),
                );
                command.args(&self.arguments);
                // A damaged clip is refused rather than ended early, and no clip makes ffmpeg open other files or links.
                command.args(["-nostdin", "-v", "error", "-xerror", "-y"]);
                command.args(["-protocol_whitelist", "file", "-f", "mp4"]).args(*start);
                let mut input = OsString::from("file:");
                input.push(clip);
                command.arg("-i").arg(input).args(["-map", "0:V:0", as_they_come, "passthrough"]);
                match which {
                    Which::First | Which::Middle => command.args(["-frames:v", "1"]),
                    Which::Last => &mut command,
                };
                // Each frame overwrites the one before, so little time goes into making them small.
                command.args(["-c:v", "png", "-compression_level", "1", "-pix_fmt", "rgb24"]);
                command.args(["-f", "image2", "-update", "1"]).arg(&output);
                let succeeded = run(command, &message, until, self.limit)?;
                let mut text = Vec::new();
                File::open(&message)?.take(LONGEST_MESSAGE).read_to_end(&mut text)?;
                if succeeded && output.metadata().is_ok_and(|picture| picture.len() > 0) {
                    let mut reader = ImageReader::open(&output)?;
                    reader.set_format(ImageFormat::Png);
                    let picture = reader.decode().map_err(|error| {
                        FfmpegError::Failed(format!("its picture cannot be read ({error})"))
                    })?;
                    return Ok(picture.into_rgb8());
                }
                said = tidy(&text);
                if !said.contains("fps_mode") {
                    break;
                }
            }
        }
        Err(FfmpegError::Failed(if said.is_empty() { "it gave no picture".into() } else { said }))
    }
}

/// Runs a program with its messages in a file, and ends it when its time is over. True when it succeeded.
fn run(
    mut command: Command,
    message: &Path,
    until: Instant,
    limit: Duration,
) -> Result<bool, FfmpegError> {
    let started =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(message)?).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(FfmpegError::Missing),
        Err(error) => return Err(error.into()),
    };
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() >= until {
            child.kill()?;
            child.wait()?;
            return Err(FfmpegError::TooSlow(limit));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// One line of what a program said, fit for a terminal.
fn tidy(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
