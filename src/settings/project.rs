//! Where a project lies: its storyboard, its root and its configuration file.

use std::path::{Path, PathBuf};

/// The configuration file of a project.
pub const CONFIG_FILE: &str = "storyreel.toml";

/// Storyboards that are looked for in the working folder when no path is given, best first.
pub const STORYBOARDS: [&str; 3] = ["SCENES.md", ".videoflow/SCENES.md", "storyboard.yaml"];

/// The folders and files of one project. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The folder that holds `storyreel.toml`, or the storyboard's.
    pub root: PathBuf,
    /// The folder that holds `assets/`.
    pub assets: PathBuf,
    /// The storyboard.
    pub storyboard: PathBuf,
    /// The storyboard as the user named it; what messages show.
    pub shown: String,
    /// The storyboard's path relative to the root, with `/`; what ledger rows are keyed by.
    pub key: String,
    /// True for the storyboard that a run without a path would take in the root. Others are recorded by name.
    pub is_main: bool,
    /// True where the project has a main storyboard, this one or another.
    pub has_main: bool,
}

impl Project {
    /// The private folder.
    pub fn private(&self) -> PathBuf {
        self.root.join(".storyreel")
    }

    /// The folder that relative paths in the storyboard start from.
    pub fn storyboard_folder(&self) -> &Path {
        self.storyboard.parent().unwrap_or(&self.root)
    }

    /// The public manifest.
    pub fn manifest(&self) -> PathBuf {
        self.assets.join("assets").join("manifest.json")
    }
}

/// The configuration file that holds for `folder`: the nearest one from there up to the repository's root.
///
/// Without a repository the search ends below `home` and at the root of the file system.
pub fn find_config(folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let repository = folder.ancestors().find(|ancestor| ancestor.join(".git").exists());
    for ancestor in folder.ancestors() {
        if repository.is_none() && Some(ancestor) == home && ancestor != folder {
            return None;
        }
        let candidate = ancestor.join(CONFIG_FILE);
        if candidate.is_file() {
            return Some(candidate);
        }
        if Some(ancestor) == repository {
            return None;
        }
    }
    None
}

/// The project root where no configuration file was found: the storyboard's folder, or its parent for `.videoflow/`.
pub fn default_root(storyboard_folder: &Path) -> PathBuf {
    match storyboard_folder.parent() {
        Some(parent) if storyboard_folder.file_name().is_some_and(|name| name == ".videoflow") => {
            parent.to_owned()
        }
        _ => storyboard_folder.to_owned(),
    }
}

/// `path` relative to `root` with `/`, or as it is where it lies elsewhere.
pub fn relative(path: &Path, root: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<String> =
        inside.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_configuration_is_searched_up_to_the_repository() -> std::io::Result<()> {
        let outer = tempfile::tempdir()?;
        let repository = outer.path().join("repo");
        let films = repository.join("films/one");
        fs::create_dir_all(&films)?;
        fs::create_dir(repository.join(".git"))?;
        fs::write(outer.path().join(CONFIG_FILE), "")?;
        assert_eq!(find_config(&films, None), None, "never past the repository");
        fs::write(repository.join(CONFIG_FILE), "")?;
        assert_eq!(find_config(&films, None), Some(repository.join(CONFIG_FILE)));
        fs::write(films.join(CONFIG_FILE), "")?;
        assert_eq!(find_config(&films, None), Some(films.join(CONFIG_FILE)), "the nearest wins");
        Ok(())
    }

    #[test]
    fn without_a_repository_the_home_folder_is_not_a_project() -> std::io::Result<()> {
        let home = tempfile::tempdir()?;
        let film = home.path().join("film");
        fs::create_dir(&film)?;
        fs::write(home.path().join(CONFIG_FILE), "")?;
        assert_eq!(find_config(&film, Some(home.path())), None);
        assert!(find_config(home.path(), Some(home.path())).is_some());
        Ok(())
    }

    #[test]
    fn a_videoflow_folder_belongs_to_its_parent() {
        assert_eq!(default_root(Path::new("/film/.videoflow")), Path::new("/film"));
        assert_eq!(default_root(Path::new("/film")), Path::new("/film"));
        assert_eq!(
            relative(Path::new("/film/.videoflow/SCENES.md"), Path::new("/film")),
            ".videoflow/SCENES.md"
        );
    }
}
