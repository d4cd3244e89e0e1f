//! The project's files on a real disk.

use crate::digest;
use crate::media::{Ffmpeg, FrameError, Probe, Which, frame, take_frame};
use crate::ports::Files;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write as _};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

/// How the names of temporary files begin.
const TEMPORARY: &str = ".storyreel-";

/// [`Files`] below one project root. A path below the root that leaves it through a symbolic link is refused.
pub struct RealFiles {
    /// The root as callers name it.
    root: PathBuf,
    /// The root without symbolic links.
    real_root: PathBuf,
    probe: fn(&Path) -> std::result::Result<Probe, String>,
}

impl RealFiles {
    /// Files below `root`, an existing folder; `probe` reads a clip's metadata or says why it is none.
    pub fn new(
        root: &Path,
        probe: fn(&Path) -> std::result::Result<Probe, String>,
    ) -> Result<Self> {
        let root = std::path::absolute(root)?;
        Ok(Self { real_root: root.canonicalize()?, root, probe })
    }

    /// Removes temporary files that killed processes left in `folder` and below it, without following links; to be
    /// called under the project's lock for the assets and the cache. Returns how many.
    pub fn remove_left_over(&self, folder: &Path) -> Result<usize> {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut removed = 0;
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            let ours = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
            if kind.is_dir() {
                removed += self.remove_left_over(&entry.path())?;
            } else if ours && kind.is_file() {
                self.remove(&entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Refuses to write anywhere but below the root.
    fn may_write(&self, path: &Path) -> Result<()> {
        let path = &std::path::absolute(path)?;
        let plain = path.components().all(|part| !matches!(part, Component::ParentDir));
        if !plain || !(path.starts_with(&self.root) || path.starts_with(&self.real_root)) {
            return Err(outside(path));
        }
        self.stays_inside(path.parent().unwrap_or(path), path)
    }

    /// Refuses to read through a symbolic link that leads from inside the root to the outside. Files that are
    /// outside by their name (a reference image of the user's) are read.
    fn may_read(&self, path: &Path) -> Result<()> {
        let path = &std::path::absolute(path)?;
        if path.starts_with(&self.root) || path.starts_with(&self.real_root) {
            return self.stays_inside(path, path);
        }
        Ok(())
    }

    /// Resolves the part of `place` that exists.
    fn stays_inside(&self, place: &Path, named: &Path) -> Result<()> {
        for ancestor in place.ancestors() {
            match ancestor.canonicalize() {
                Ok(real) if real.starts_with(&self.real_root) => return Ok(()),
                Ok(_) => return Err(outside(named)),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    // A link that leads nowhere exists, and creating its target would write there.
                    if ancestor.symlink_metadata().is_ok() {
                        return Err(outside(named));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(outside(named))
    }

    /// Creates missing folders, each made durable in the one above it.
    fn make_folder(&self, folder: &Path) -> Result<()> {
        self.may_write(&folder.join("x"))?;
        let missing: Vec<&Path> =
            folder.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
        std::fs::create_dir_all(folder)?;
        for made in missing.iter().rev() {
            if let Some(above) = made.parent() {
                sync_folder(above)?;
            }
        }
        Ok(())
    }
}

fn outside(path: &Path) -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        format!("`{}` leads out of the project through a symbolic link", path.display()),
    )
}

/// A rename or a new name is durable once its folder is. Windows has no such call and needs none.
fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn absent_is_fine(done: Result<()>) -> Result<()> {
    done.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Gives a file a name that nothing has. `None` where the file system has no links.
fn put_where_nothing_is(from: &Path, to: &Path) -> Result<Option<bool>> {
    match std::fs::hard_link(from, to) {
        Ok(()) => std::fs::remove_file(from).map(|()| Some(true)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Some(false)),
        Err(_) => Ok(None),
    }
}

/// Exchanges two files, and back again where the one that came out is not what was seen. `None` where the file system
/// cannot exchange files.
#[cfg(target_os = "linux")]
fn put_where_it_is(from: &Path, to: &Path, seen: &[u8]) -> Result<Option<bool>> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    let exchange = || renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE);
    match exchange() {
        Ok(()) => {}
        Err(Errno::NOENT) => return Ok(Some(false)),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    // A program that had opened the file before may write to it still; syncing takes it longer than that.
    let unchanged = std::fs::read(from)? == seen && {
        to.parent().map_or(Ok(()), sync_folder)?;
        std::fs::read(from)? == seen
    };
    if unchanged {
        std::fs::remove_file(from)?;
    } else {
        exchange()?;
    }
    Ok(Some(unchanged))
}

#[cfg(not(target_os = "linux"))]
fn put_where_it_is(_: &Path, _: &Path, _: &[u8]) -> Result<Option<bool>> {
    Ok(None)
}

fn modified_ns(metadata: &Metadata) -> Result<i64> {
    let modified = metadata.modified()?;
    let nanoseconds = match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
    };
    Ok(i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX }))
}

impl Files for RealFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        self.may_read(path)?;
        std::fs::read(path)
    }

    fn stat(&self, path: &Path) -> Result<Option<(u64, i64)>> {
        match std::fs::metadata(path) {
            Ok(found) if found.is_file() => {
                self.may_read(path)?;
                Ok(Some((found.len(), modified_ns(&found)?)))
            }
            Ok(_) => Ok(None),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn hash(&self, path: &Path) -> Result<String> {
        self.may_read(path)?;
        digest::of_reader(File::open(path)?)
    }

    fn create_temporary(&self, folder: &Path, suffix: &str) -> Result<PathBuf> {
        self.make_folder(folder)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY).suffix(suffix);
        #[cfg(unix)]
        {
            // Temporary files are private by default; this one becomes a file like any other, with the user's mask.
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let (_, path) = builder.tempfile_in(folder)?.keep().map_err(|error| error.error)?;
        Ok(path)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.may_write(path)?;
        OpenOptions::new().append(true).open(path)?.write_all(bytes)
    }

    fn sync(&self, path: &Path) -> Result<()> {
        // Some systems sync only what was opened for writing.
        OpenOptions::new().append(true).open(path)?.sync_all()
    }

    fn make_durable(&self, path: &Path) -> Result<()> {
        self.may_write(path)?;
        let synced = if cfg!(unix) {
            // The user may have made it read-only since.
            File::open(path).and_then(|file| file.sync_all())
        } else {
            self.sync(path)
        };
        absent_is_fine(synced)?;
        absent_is_fine(path.parent().map_or(Ok(()), sync_folder))
    }

    fn at_once(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from).clamp(2, 4)
    }

    fn copy_to_temporary(&self, from: &Path, folder: &Path, suffix: &str) -> Result<PathBuf> {
        self.may_read(from)?;
        let to = self.create_temporary(folder, suffix)?;
        let copied = (|| {
            // This shares the blocks where the file system can.
            let mut source = File::open(from)?;
            let mut target = OpenOptions::new().write(true).open(&to)?;
            std::io::copy(&mut source, &mut target)?;
            target.sync_all()
        })();
        match copied {
            Ok(()) => Ok(to),
            Err(error) => {
                // Half a copy helps nobody, and the first error is the one to tell.
                let _ = std::fs::remove_file(&to);
                Err(error)
            }
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.may_write(from)?;
        self.may_write(to)?;
        if let Some(folder) = to.parent() {
            self.make_folder(folder)?;
        }
        std::fs::rename(from, to)?;
        for folder in [to.parent(), from.parent().filter(|folder| Some(*folder) != to.parent())] {
            folder.map_or(Ok(()), sync_folder)?;
        }
        Ok(())
    }

    fn replace(&self, from: &Path, to: &Path, seen: Option<&[u8]>) -> Result<bool> {
        self.may_write(from)?;
        self.may_write(to)?;
        let done = match seen {
            None => put_where_nothing_is(from, to)?,
            Some(seen) => put_where_it_is(from, to, seen)?,
        };
        match done {
            Some(replaced) => {
                to.parent().map_or(Ok(()), sync_folder)?;
                Ok(replaced)
            }
            // The next best way: another program could still write between the look and the rename.
            None => match std::fs::read(to) {
                Ok(now) if Some(&now[..]) == seen => self.rename(from, to).map(|()| true),
                Err(error) if error.kind() == ErrorKind::NotFound && seen.is_none() => {
                    self.rename(from, to).map(|()| true)
                }
                Ok(_) => Ok(false),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            },
        }
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.may_write(path)?;
        match std::fs::remove_file(path) {
            // Without this a power cut could bring the file back.
            Ok(()) => path.parent().map_or(Ok(()), sync_folder),
            missing => absent_is_fine(missing),
        }
    }

    fn probe(&self, path: &Path) -> std::result::Result<Probe, String> {
        (self.probe)(path)
    }

    fn frame(
        &self,
        clip: &Path,
        which: &str,
        folder: &Path,
    ) -> std::result::Result<PathBuf, String> {
        let shown = clip.display();
        let which = Which::named(which).ok_or_else(|| {
            format!("`{which}` is no frame of a clip: it is `first`, `middle` or `last`")
        })?;
        self.may_read(clip).map_err(|error| error.to_string())?;
        let bytes = take_frame(clip, which, &Ffmpeg::default())
            .and_then(|picture| frame::png(&picture))
            .map_err(|error: FrameError| {
                format!("the {which} frame of `{shown}` cannot be taken: {error}")
            })?;
        let cannot = |error: Error| {
            format!(
                "the {which} frame of `{shown}` cannot be kept in `{}`: {error}",
                folder.display()
            )
        };
        let to = self.create_temporary(folder, ".png").map_err(cannot)?;
        if let Err(error) = self.append(&to, &bytes) {
            // Half a picture helps nobody, and the first error is the one to tell.
            let _ = std::fs::remove_file(&to);
            return Err(cannot(error));
        }
        Ok(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIP: &[u8] = include_bytes!("../../tests/fixtures/frames/b-frames.mp4");

    fn project() -> (tempfile::TempDir, RealFiles, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let clip = folder.path().join("clip.mp4");
        std::fs::write(&clip, CLIP).expect("a clip");
        let files = RealFiles::new(folder.path(), |path| {
            crate::media::probe_file(path).map_err(|error| error.to_string())
        });
        (folder, files.expect("files"), clip)
    }

    #[cfg(feature = "preview")]
    #[test]
    fn a_frame_becomes_a_temporary_picture() {
        let (folder, files, clip) = project();
        let cache = folder.path().join("cache");
        let [first, last] =
            ["first", "last"].map(|which| files.frame(&clip, which, &cache).expect("a frame"));
        for picture in [&first, &last] {
            assert_eq!(picture.parent(), Some(&*cache));
            assert_eq!(picture.extension().and_then(|ending| ending.to_str()), Some("png"));
            let probe = files.probe(picture).expect("a picture");
            assert_eq!((probe.width, probe.height, &*probe.codec), (64, 48, "png"));
        }
        assert_ne!(files.hash(&first).expect("first"), files.hash(&last).expect("last"));
        assert_eq!(files.remove_left_over(&cache).expect("swept"), 2);
    }

    #[test]
    fn where_there_is_no_frame_it_says_why_and_leaves_nothing() {
        let (folder, files, clip) = project();
        let cache = folder.path().join("cache");
        let refused = |clip: &Path, which| files.frame(clip, which, &cache).expect_err("none");
        assert_eq!(
            refused(&clip, "third"),
            "`third` is no frame of a clip: it is `first`, `middle` or `last`"
        );
        std::fs::write(&clip, &CLIP[..900]).expect("a cut clip");
        let said = refused(&clip, "last");
        assert!(said.starts_with("the last frame of `"), "{said}");
        assert!(said.contains("clip.mp4` cannot be taken: the clip is cut"), "{said}");
        let missing = refused(&folder.path().join("none.mp4"), "first");
        assert!(missing.contains("none.mp4"), "{missing}");
        assert!(!cache.exists());
    }
}
