//! Clip files: told apart by content, kept before they are replaced, replaced whole.

use super::PublishError;
use super::atomic::discard;
use super::outcome::{Duty, Outcome, Place};
use crate::layout::Layout;
use crate::ledger::FileRecord;
use crate::manifest::{Superseded, split};
use crate::ports::Files;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Size and modification time.
type Stat = (u64, i64);

/// Git LFS replaces a file by a text of about 130 bytes that names its digest.
const LONGEST_POINTER: u64 = 1024;

/// The clip files of a project during one publication.
pub(super) struct Shelf<'a> {
    files: &'a dyn Files,
    layout: &'a Layout,
    /// Digests of files as long as size and time stay the same.
    digests: HashMap<PathBuf, (Stat, String)>,
    /// What stood at a clip's place when it was found safe to be replaced.
    seen: HashMap<PathBuf, Option<Stat>>,
    /// Files whose bytes and names are known to survive a power cut.
    durable: HashSet<PathBuf>,
    touched: bool,
}

impl<'a> Shelf<'a> {
    pub fn new(files: &'a dyn Files, layout: &'a Layout) -> Self {
        Self {
            files,
            layout,
            digests: HashMap::new(),
            seen: HashMap::new(),
            durable: HashSet::new(),
            touched: false,
        }
    }

    /// True when a clip file or the manifest may have been changed.
    pub fn touched(&self) -> bool {
        self.touched
    }

    /// Something that others see is about to change.
    pub fn touch(&mut self) {
        self.touched = true;
    }

    /// Makes sure that the cache holds the content, if need be from `sources` or from the clip's own place.
    pub fn cache(
        &mut self,
        sha256: &str,
        filename: &str,
        sources: &[PathBuf],
    ) -> Result<(), PublishError> {
        let cached = self.layout.cached(sha256);
        if self.keeps(&cached, sha256)? {
            return Ok(());
        }
        let own = self.layout.asset(filename);
        for source in sources.iter().chain(&own) {
            if self.holds(source, sha256)? && self.copy(source, &cached, sha256)? {
                return Ok(());
            }
        }
        Err(PublishError::Content { filename: filename.to_owned(), sha256: sha256.to_owned() })
    }

    /// True when nothing stands at `filename`, or the very content that is to go there.
    pub fn is_free_for(
        &mut self,
        filename: &str,
        sha256: Option<&String>,
    ) -> Result<bool, PublishError> {
        let Some(path) = self.layout.asset(filename) else { return Ok(false) };
        if self.stat(&path)?.is_none() {
            return Ok(true);
        }
        match sha256 {
            Some(sha256) => Ok(self.holds(&path, sha256)? || self.points_to(&path, sha256)?),
            None => Ok(false),
        }
    }

    /// Copies superseded clips under `takes/`, and keeps what stands in the way and nobody has on record. False when
    /// a file changed meanwhile.
    pub fn keep_superseded(&mut self, outcome: &Outcome) -> Result<bool, PublishError> {
        for superseded in &outcome.superseded {
            if !self.keep_take(superseded)? {
                return Ok(false);
            }
        }
        for place in outcome.places.iter().filter(|place| place.duty == Duty::Put) {
            if !self.keep_edited(place, outcome)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn keep_take(&mut self, superseded: &Superseded) -> Result<bool, PublishError> {
        let Some(sha256) = &superseded.sha256 else { return Ok(true) };
        let (Some(from), Some(to)) =
            (self.layout.asset(&superseded.from), self.layout.asset(&superseded.to))
        else {
            return Ok(true);
        };
        if from == to || self.keeps(&to, sha256)? {
            return Ok(true);
        }
        let cached = self.layout.cached(sha256);
        for source in [&from, &cached] {
            if self.holds(source, sha256)? {
                return self.copy(source, &to, sha256);
            }
        }
        // No bytes here; a Git LFS pointer at least says where they are.
        if !self.points_to(&to, sha256)?
            && self.points_to(&from, sha256)?
            && let Some(digest) = self.digest(&from)?
        {
            return self.copy(&from, &to, &digest);
        }
        Ok(true)
    }

    /// Keeps a file that was edited by hand, or that nobody recorded, under a name that tells.
    fn keep_edited(&mut self, place: &Place, outcome: &Outcome) -> Result<bool, PublishError> {
        let Some(path) = self.layout.asset(&place.filename) else { return Ok(true) };
        let stat = self.stat(&path)?;
        self.seen.insert(path.clone(), stat);
        let Some(digest) = self.digest(&path)? else { return Ok(true) };
        if digest == place.sha256 || self.points_to(&path, &place.sha256)? {
            return Ok(true);
        }
        let mut version = None;
        for superseded in outcome.superseded.iter().filter(|one| one.from == place.filename) {
            let kept = match (&superseded.sha256, self.layout.asset(&superseded.to)) {
                (Some(sha256), Some(to)) if superseded.to != superseded.from => {
                    let safe = self.keeps(&to, sha256)? || self.points_to(&to, sha256)?;
                    safe && (digest == *sha256 || self.points_to(&path, sha256)?)
                }
                _ => false,
            };
            if kept {
                return Ok(true);
            }
            version = Some(superseded.version);
        }
        // The very content of another entry (a checkout, a move) is safe in that entry's file.
        for entry in outcome.manifest.renders() {
            if entry.filename != place.filename
                && entry.sha256.as_deref() == Some(&digest)
                && let Some(other) = self.layout.asset(&entry.filename)
                && outcome.places.iter().all(|place| place.filename != entry.filename)
                && self.keeps(&other, &digest)?
            {
                return Ok(true);
            }
        }
        let (folder, stem, extension) = split(&place.filename);
        let mark = version.map_or("unrecorded".to_owned(), |version| format!("v{version}.edited"));
        for count in 1u32.. {
            let count = if count == 1 { String::new() } else { format!(".{count}") };
            let name = format!("{folder}takes/{stem}.{mark}{count}{extension}");
            let Some(to) = self.layout.asset(&name) else { break };
            match self.digest(&to)? {
                None => return self.copy(&path, &to, &digest),
                Some(found) if found == digest => {
                    self.keeps(&to, &digest)?;
                    break;
                }
                Some(_) => {}
            }
        }
        Ok(true)
    }

    /// Writes the new clips. False when a file changed after it was found safe to be replaced.
    pub fn put_in_place(&mut self, outcome: &Outcome) -> Result<bool, PublishError> {
        let mut wanted: Vec<(PathBuf, Option<Stat>, &String)> = Vec::new();
        for place in &outcome.places {
            let Some(path) = self.layout.asset(&place.filename) else { continue };
            let there = self.stat(&path)?;
            let is_wanted = match place.duty {
                Duty::Put => !self.keeps(&path, &place.sha256)?,
                Duty::Mend => there.is_none() && self.in_cache(&place.sha256)?,
                Duty::None => false,
            };
            if !is_wanted {
                continue;
            }
            if place.duty == Duty::Put && self.seen.get(&path) != Some(&there) {
                return Ok(false);
            }
            wanted.push((path, there, &place.sha256));
        }
        // All of them are written aside before any of them is put in its place.
        let files = self.files;
        let copies = each(files, &wanted, |(path, _, sha256)| {
            copy_aside(files, &self.layout.cached(sha256), path, sha256)
        });
        let mut done = Ok(true);
        for ((path, there, sha256), copy) in wanted.into_iter().zip(copies) {
            let step = match copy {
                Ok(Some(temporary)) if matches!(done, Ok(true)) => {
                    self.replace_unchanged(&temporary, &path, there, sha256)
                }
                Ok(Some(temporary)) => {
                    discard(self.files, &temporary);
                    continue;
                }
                // What was remembered of the source is not true any more.
                Ok(None) => {
                    self.digests.remove(&self.layout.cached(sha256));
                    Ok(false)
                }
                Err(error) => Err(error),
            };
            if matches!(done, Ok(true)) {
                done = step;
            }
        }
        done
    }

    /// Puts a file in its place if what stands there is what stood there. False, and the file is gone, where it is not.
    fn replace_unchanged(
        &mut self,
        temporary: &Path,
        path: &Path,
        there: Option<Stat>,
        sha256: &str,
    ) -> Result<bool, PublishError> {
        let now = self.stat(path);
        if !matches!(&now, Ok(now) if *now == there) {
            discard(self.files, temporary);
            return now.map(|_| false);
        }
        self.touched = true;
        self.rename(temporary, path, sha256)?;
        Ok(true)
    }

    /// Takes the digests of files that will be asked for, several at the same time. What cannot be read is found out when it
    /// is asked for.
    pub fn look_at(&mut self, paths: &[PathBuf]) {
        let files = self.files;
        let looked = each(files, paths, |path| {
            let stat = files.stat(path).ok()??;
            let digest = files.hash(path).ok()?;
            // A file that was written to meanwhile is looked at again then.
            let same = matches!(files.stat(path), Ok(Some(now)) if now == stat);
            same.then_some((stat, digest))
        });
        for (path, found) in paths.iter().zip(looked) {
            if let Some(found) = found {
                self.digests.insert(path.clone(), found);
            }
        }
    }

    /// Removes clips whose scene has another file now (a move): their content is under `takes/` and no entry names
    /// them any more.
    pub fn clear_vacated(&mut self, outcome: &Outcome) -> Result<(), PublishError> {
        for superseded in &outcome.superseded {
            let in_use = superseded.from == superseded.to
                || outcome.manifest.names_file(&superseded.from)
                || outcome.places.iter().any(|place| place.filename == superseded.from);
            let (Some(sha256), Some(from), Some(to)) = (
                &superseded.sha256,
                self.layout.asset(&superseded.from),
                self.layout.asset(&superseded.to),
            ) else {
                continue;
            };
            if in_use {
                continue;
            }
            if self.stat(&from)?.is_none() {
                // Whoever removed it may have died before the folder was synced.
                self.make_durable(&from)?;
                continue;
            }
            let kept = self.keeps(&to, sha256)?;
            let pointer = self.points_to(&from, sha256)?;
            if (kept && (pointer || self.holds(&from, sha256)?))
                || (pointer && self.points_to(&to, sha256)?)
            {
                self.touched = true;
                self.files.remove(&from).map_err(|source| failed("remove", &from, source))?;
            }
        }
        Ok(())
    }

    /// What the ledger remembers of a file; `None` where there is none.
    pub fn record(&mut self, path: &Path) -> Result<Option<FileRecord>, PublishError> {
        let Some(sha256) = self.digest(path)? else { return Ok(None) };
        Ok(self.digests.get(path).map(|((size, modified_ns), _)| FileRecord {
            path: self.layout.record_path(path),
            size: *size,
            modified_ns: *modified_ns,
            sha256,
        }))
    }

    fn in_cache(&mut self, sha256: &str) -> Result<bool, PublishError> {
        let cached = self.layout.cached(sha256);
        self.holds(&cached, sha256)
    }

    fn holds(&mut self, path: &Path, sha256: &str) -> Result<bool, PublishError> {
        Ok(self.digest(path)?.is_some_and(|found| found == sha256))
    }

    /// True when the content is in the file and stays there. A file that is found in its place may be known to the
    /// system's memory only: a process that died, or whose disk failed, between its rename and the sync of the folder
    /// leaves that.
    fn keeps(&mut self, path: &Path, sha256: &str) -> Result<bool, PublishError> {
        if !self.holds(path, sha256)? {
            return Ok(false);
        }
        self.make_durable(path)?;
        Ok(true)
    }

    fn make_durable(&mut self, path: &Path) -> Result<(), PublishError> {
        if !self.durable.contains(path) {
            self.files.make_durable(path).map_err(|source| failed("write", path, source))?;
            self.durable.insert(path.to_owned());
        }
        Ok(())
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>, PublishError> {
        self.files.stat(path).map_err(|source| failed("read", path, source))
    }

    /// The digest of a file's bytes, `None` where there is none.
    fn digest(&mut self, path: &Path) -> Result<Option<String>, PublishError> {
        // Hashing takes a while; a file that was written to meanwhile is hashed again.
        for _ in 0..10 {
            let Some(stat) = self.stat(path)? else { return Ok(None) };
            if let Some((known, digest)) = self.digests.get(path)
                && *known == stat
            {
                return Ok(Some(digest.clone()));
            }
            let digest = match self.files.hash(path) {
                Ok(digest) => digest,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(source) => return Err(failed("read", path, source)),
            };
            self.digests.insert(path.to_owned(), (stat, digest));
        }
        Err(PublishError::Unstable { path: path.to_owned() })
    }

    /// True for a Git LFS pointer to this content.
    fn points_to(&self, path: &Path, sha256: &str) -> Result<bool, PublishError> {
        match self.stat(path)? {
            Some((size, _)) if size <= LONGEST_POINTER => {}
            _ => return Ok(false),
        }
        let bytes = self.files.read(path).map_err(|source| failed("read", path, source))?;
        let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(false) };
        Ok(text.starts_with("version https://git-lfs.github.com/spec/")
            && text.lines().any(|line| line.strip_prefix("oid ") == Some(sha256)))
    }

    /// Copies a file whole; false when its content is not what was expected.
    fn copy(&mut self, from: &Path, to: &Path, sha256: &str) -> Result<bool, PublishError> {
        match copy_aside(self.files, from, to, sha256)? {
            Some(temporary) => {
                self.rename(&temporary, to, sha256)?;
                Ok(true)
            }
            None => {
                // What was remembered of the source is not true any more.
                self.digests.remove(from);
                Ok(false)
            }
        }
    }

    fn rename(&mut self, temporary: &Path, to: &Path, sha256: &str) -> Result<(), PublishError> {
        if let Err(source) = self.files.rename(temporary, to) {
            discard(self.files, temporary);
            return Err(failed("write", to, source));
        }
        self.durable.insert(to.to_owned());
        if let Some(stat) = self.stat(to)? {
            self.digests.insert(to.to_owned(), (stat, sha256.to_owned()));
        }
        Ok(())
    }
}

/// Copies a file to a temporary one beside `to`, synced and verified; `None` when the content is another.
fn copy_aside(
    files: &dyn Files,
    from: &Path,
    to: &Path,
    sha256: &str,
) -> Result<Option<PathBuf>, PublishError> {
    let folder = to.parent().unwrap_or(to);
    let suffix = to.extension().map_or(String::new(), |end| format!(".{}", end.to_string_lossy()));
    let temporary = files
        .copy_to_temporary(from, folder, &suffix)
        .map_err(|source| failed("write", to, source))?;
    match files.hash(&temporary) {
        Ok(digest) if digest == sha256 => Ok(Some(temporary)),
        Ok(_) => {
            discard(files, &temporary);
            Ok(None)
        }
        Err(source) => {
            discard(files, &temporary);
            Err(failed("read", &temporary, source))
        }
    }
}

/// Does something with each of these, with as many at the same time as the files allow; the results are in their order.
fn each<T: Sync, R: Send>(files: &dyn Files, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = files.at_once().min(items.len());
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let work = &work;
    std::thread::scope(|scope| {
        let some = |items: &'_ [T]| items.iter().map(work).collect::<Vec<R>>();
        let shares = items.chunks(items.len().div_ceil(threads));
        let workers: Vec<_> = shares.map(|share| scope.spawn(move || some(share))).collect();
        // A panic of one of them is this one's, too.
        let joined = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.flatten().collect()
    })
}

fn failed(action: &'static str, path: &Path, source: std::io::Error) -> PublishError {
    PublishError::File { action, path: path.to_owned(), source }
}
