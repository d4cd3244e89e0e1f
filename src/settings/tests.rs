use super::*;
use std::fs;

type Outcome = Result<(), Box<dyn std::error::Error>>;

struct World {
    _folder: tempfile::TempDir,
    environment: Environment,
}

impl World {
    /// A repository with the given files in it, and a home folder beside it.
    fn with(files: &[(&str, &str)]) -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let base = folder.path().canonicalize()?;
        let project = base.join("project");
        fs::create_dir_all(project.join(".git"))?;
        for (name, text) in files {
            let path = base.join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, text)?;
        }
        let environment = Environment {
            folder: project,
            home: Some(base.join("home")),
            ..Environment::default()
        };
        Ok(Self { _folder: folder, environment })
    }

    fn resolve(&self) -> Result<(Settings, Vec<FileProblems>), SettingsError> {
        resolve(&Flags::default(), &self.environment)
    }
}

#[test]
fn storyboards_are_found_in_order() -> Outcome {
    let world =
        World::with(&[("project/storyboard.yaml", ""), ("project/.videoflow/SCENES.md", "")])?;
    let (settings, _) = world.resolve()?;
    assert_eq!(settings.project.shown, ".videoflow/SCENES.md");
    assert_eq!(settings.project.key, ".videoflow/SCENES.md");
    assert_eq!(settings.project.root, world.environment.folder, "the parent of `.videoflow`");
    assert!(settings.project.is_main);
    fs::write(world.environment.folder.join("SCENES.md"), "")?;
    assert_eq!(world.resolve()?.0.project.key, "SCENES.md");
    let flags = Flags { storyboard: Some("storyboard.yaml".into()), ..Flags::default() };
    let (settings, _) = resolve(&flags, &world.environment)?;
    assert_eq!(settings.project.key, "storyboard.yaml");
    assert!(!settings.project.is_main, "a second storyboard of the project");
    Ok(())
}

#[test]
fn without_a_storyboard_the_error_lists_what_was_looked_for() -> Outcome {
    let world =
        World::with(&[("project/storyreel.toml", "[project]\nstoryboard = \"film.md\"\n")])?;
    let hint = world.resolve().err().and_then(|error| error.hint()).unwrap_or_default();
    assert_eq!(
        hint,
        "looked for `film.md`, `SCENES.md`, `.videoflow/SCENES.md`, `storyboard.yaml`; name one with `-f FILE`, or run \
         `storyreel init` for a starter"
    );
    Ok(())
}

#[test]
fn a_configured_storyboard_and_root_hold_in_sub_folders() -> Outcome {
    let mut world = World::with(&[
        ("project/storyreel.toml", "[project]\nstoryboard = \"film.md\"\nassets = \"media\"\n"),
        ("project/film.md", ""),
        ("project/SCENES.md", ""),
        ("project/films/one/SCENES.md", ""),
        ("project/empty/readme.txt", ""),
    ])?;
    let root = world.environment.folder.clone();
    let (settings, _) = world.resolve()?;
    assert_eq!((settings.project.key.as_str(), settings.project.is_main), ("film.md", true));
    assert_eq!(settings.project.assets, root.join("media"));
    world.environment.folder = root.join("films/one");
    let (settings, _) = world.resolve()?;
    assert_eq!(settings.project.key, "films/one/SCENES.md");
    assert_eq!(settings.project.root, root);
    assert!(!settings.project.is_main);
    world.environment.folder = root.join("empty");
    assert_eq!(world.resolve()?.0.project.key, "film.md");
    Ok(())
}

#[test]
fn projects_lower_limits_and_users_raise_them() -> Outcome {
    let project = "[limits]\nrunning = 300\nsubmissions = \"5/10s\"\n[budget]\nmax_credits = 500\n";
    let mut world = World::with(&[("project/SCENES.md", ""), ("project/storyreel.toml", project)])?;
    let (settings, problems) = world.resolve()?;
    assert_eq!(settings.limits.running, 100, "not raised by the project");
    assert_eq!(settings.limits.submissions.count, 5);
    assert_eq!(
        problems.iter().flat_map(|file| &file.diagnostics).map(|p| p.code).collect::<Vec<_>>(),
        ["limit-not-raised"]
    );
    let config_home = world.environment.folder.join("../config");
    fs::create_dir_all(config_home.join("storyreel"))?;
    fs::write(
        config_home.join("storyreel/config.toml"),
        "[limits]\nrunning = 400\n[budget]\nmax_credits = 90\nconfirm_above = 10\n",
    )?;
    world.environment.config_home = Some(config_home);
    let (settings, problems) = world.resolve()?;
    assert_eq!(settings.limits.running, 300, "up to what the user allows");
    assert_eq!(settings.max_credits, Some(90.0), "the smallest of several caps");
    assert!(problems.is_empty());
    let flags = Flags { max_credits: Some(1000.0), ..Flags::default() };
    assert_eq!(resolve(&flags, &world.environment)?.0.max_credits, Some(90.0));
    Ok(())
}

#[test]
fn only_the_key_is_read_from_the_env_file() -> Outcome {
    let mut world = World::with(&[
        ("project/SCENES.md", ""),
        (
            "project/.env",
            "KIE_API_BASE=https://evil.example\nnot a line\nexport KIE_API_KEY='from file'\n",
        ),
    ])?;
    let problem = world.resolve().err().map(|error| error.to_string()).unwrap_or_default();
    assert!(problem.contains("`KIE_API_KEY` holds a character"), "{problem}");
    assert!(!problem.contains("from file"), "{problem}");
    fs::write(
        world.environment.folder.join(".env"),
        "KIE_API_BASE=https://evil.example\nnot a line\nexport KIE_API_KEY='from-file'\n",
    )?;
    let (settings, _) = world.resolve()?;
    let exposed = |settings: &Settings| {
        settings.provider.key.as_ref().map(|key| key.expose_secret().to_owned())
    };
    assert_eq!(exposed(&settings).as_deref(), Some("from-file"));
    assert_eq!(settings.provider.api, DEFAULT_API);
    assert!(!format!("{settings:?}").contains("from-file"), "never printed");
    world.environment.key = Some("from-variable".into());
    assert_eq!(exposed(&world.resolve()?.0).as_deref(), Some("from-variable"));
    Ok(())
}

#[test]
fn hosts_come_from_the_environment_or_the_user() -> Outcome {
    let mut world = World::with(&[("project/SCENES.md", "")])?;
    world.environment.api = Some("http://127.0.0.1:9000/".into());
    assert_eq!(world.resolve()?.0.provider.api, "http://127.0.0.1:9000");
    for wrong in [
        "ftp://host",
        "https://",
        "https:///",
        "https://key@host",
        "https://:key@host",
        "https://host?x=1",
        "https://host#x",
        "https://host/a b",
        "https://host\\@other.example",
        "https://host:99999",
        "host",
        "http://api.kie.ai",
        "HTTP://8.8.8.8:80/",
    ] {
        for upload in [false, true] {
            let (api, other) = (Some(wrong.into()), None);
            let (api, upload) = if upload { (other, api) } else { (api, other) };
            (world.environment.api, world.environment.upload) = (api, upload);
            assert!(matches!(world.resolve(), Err(SettingsError::Variable { .. })), "{wrong}");
        }
    }
    for good in
        ["https://api.kie.ai", "http://localhost:8080", "http://10.1.2.3", "http://emulator:80"]
    {
        (world.environment.api, world.environment.upload) = (Some(good.into()), Some(good.into()));
        assert_eq!(world.resolve()?.0.provider.upload, good);
    }
    Ok(())
}

#[test]
fn all_files_with_errors_are_told_at_once() -> Outcome {
    let mut world = World::with(&[
        ("project/SCENES.md", ""),
        ("project/storyreel.toml", "[limits]\nruning = 1\n"),
    ])?;
    let config_home = world.environment.folder.join("../config");
    fs::create_dir_all(config_home.join("storyreel"))?;
    fs::write(config_home.join("storyreel/config.toml"), "[poll]\nfirst = \"x\"\n")?;
    world.environment.config_home = Some(config_home);
    let Err(SettingsError::Invalid(problems)) = world.resolve() else {
        return Err("two files are wrong".into());
    };
    assert_eq!(problems.len(), 2);
    Ok(())
}

#[test]
fn a_configuration_that_holds_the_key_is_refused_without_showing_it() -> Outcome {
    let config = "[defaults]\nnegative = \"a-recognisable-key\"\n";
    let mut world = World::with(&[("project/SCENES.md", ""), ("project/storyreel.toml", config)])?;
    world.environment.key = Some("a-recognisable-key".into());
    let error = world.resolve().err().ok_or("it was taken")?;
    assert_eq!(error.code(), "key-in-file");
    assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("recognisable"), "{error}");
    world.environment.key = Some("another-key-of-somebody".into());
    world.resolve()?;
    Ok(())
}
