//! Where the files of a project lie.

mod place;

pub use place::{MAIN, Place, place};

use crate::manifest::safe_filename;
use std::path::{Path, PathBuf};

/// The folders of a project; all absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The project root.
    pub project_root: PathBuf,
    /// The folder that holds `assets/`.
    pub assets_root: PathBuf,
    /// `.storyreel`.
    pub private: PathBuf,
}

impl Layout {
    /// The layout below `project_root` with the configured assets folder (`public`).
    pub fn new(project_root: &Path, assets: &str) -> Self {
        Self {
            project_root: project_root.to_owned(),
            assets_root: project_root.join(assets),
            private: project_root.join(".storyreel"),
        }
    }

    /// The manifest.
    pub fn manifest(&self) -> PathBuf {
        self.assets_root.join("assets").join("manifest.json")
    }

    /// The ledger.
    pub fn ledger(&self) -> PathBuf {
        self.private.join("ledger.db")
    }

    /// The project's lock.
    pub fn lock(&self) -> PathBuf {
        self.private.join("lock")
    }

    /// Where the cache keeps the clip with this digest (`sha256:` and hex): `cache/sha256/ab/abcd....mp4`. Digests come
    /// from files that anybody can write; whatever they hold, the path stays in the cache.
    pub fn cached(&self, digest: &str) -> PathBuf {
        let hex: String = digest
            .strip_prefix("sha256:")
            .unwrap_or(digest)
            .chars()
            .filter(char::is_ascii_hexdigit)
            .take(64)
            .collect();
        let folder = hex.get(..2).unwrap_or("none");
        self.private.join("cache").join("sha256").join(folder).join(format!("{hex}.mp4"))
    }

    /// An asset by its name in the manifest; `None` for a name that leads out of the assets.
    pub fn asset(&self, filename: &str) -> Option<PathBuf> {
        safe_filename(filename).map(|filename| self.assets_root.join(filename))
    }

    /// The name under which the ledger knows a file: relative to the project root, with `/`.
    pub fn record_path(&self, path: &Path) -> String {
        let relative = path.strip_prefix(&self.project_root).unwrap_or(path);
        relative.to_string_lossy().replace('\\', "/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_never_leads_out_of_the_cache() {
        let layout = Layout::new(Path::new("/p"), "public");
        let digest = format!("sha256:{}", "ab".repeat(32));
        assert!(
            layout.cached(&digest).ends_with(format!("cache/sha256/ab/{}.mp4", "ab".repeat(32)))
        );
        for digest in ["sha256:../../x", "", "sha256:/etc/passwd", "sha256:é"] {
            let path = layout.cached(digest);
            assert!(path.starts_with("/p/.storyreel/cache/sha256"), "{}", path.display());
            assert!(!path.to_string_lossy().contains(".."), "{}", path.display());
        }
    }
}
