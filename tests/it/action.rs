//! The script of the GitHub action, run with GitHub's event files and a stand-in for its API.
#![cfg(unix)]

use crate::support::{Emulator, Project, Served, serve};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

const FILM: &str = "\
## Scene 1: Dawn ::error::x $(touch pwned) `id` <b>@team</b>
- **Model**: veo-3.1-fast
- **Duration**: 4s
- **Prompt**: A lone lighthouse on a basalt skerry at dawn

## Scene 2: Noon
- **Model**: veo-3.1-fast
- **Duration**: 4s
- **Prompt**: An iron spiral staircase by lamplight
";

/// A repository's comments, as far as the script knows of them.
#[derive(Default)]
struct Issue {
    calls: Vec<String>,
    comments: Vec<Value>,
    /// Objects of Git by what is asked for them, and refs by name.
    objects: Vec<(String, Value)>,
    refs: BTreeMap<String, Value>,
    /// Statuses that the next calls are answered with in place of their own.
    failures: Vec<u16>,
    head_sha: String,
}

struct GitHub {
    served: Served,
    issue: Arc<Mutex<Issue>>,
}

impl GitHub {
    fn start() -> Self {
        let issue = Arc::new(Mutex::new(Issue { head_sha: "a".repeat(40), ..Issue::default() }));
        let served = serve(Router::new().fallback(answer).with_state(Arc::clone(&issue)));
        Self { served, issue }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Issue) -> T) -> T {
        look(&mut self.issue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn calls(&self) -> Vec<String> {
        self.with(|issue| std::mem::take(&mut issue.calls))
    }
}

async fn answer(State(issue): State<Arc<Mutex<Issue>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let mut issue = issue.lock().unwrap_or_else(PoisonError::into_inner);
    issue.calls.push(format!("{} {}", parts.method, parts.uri));
    assert_eq!(parts.headers["authorization"], "Bearer ghs_token");
    if !issue.failures.is_empty() {
        let status = issue.failures.remove(0);
        return (axum::http::StatusCode::from_u16(status).expect("a status"), "{}").into_response();
    }
    let told = match (parts.method.as_str(), path.as_str()) {
        ("GET", "/repos/o/r/issues/7/comments") => {
            let page = parts.uri.query().and_then(|query| query.split("page=").last());
            let page: usize = page.and_then(|page| page.parse().ok()).unwrap_or(1);
            json!(issue.comments.iter().skip((page - 1) * 100).take(100).collect::<Vec<_>>())
        }
        ("POST", "/repos/o/r/issues/7/comments") => {
            let id = issue.comments.len() + 1;
            let comment = json!({"id": id, "body": body["body"], "user": {"login": "github-actions[bot]", "type": "Bot"}});
            issue.comments.push(comment.clone());
            comment
        }
        ("GET", "/repos/o/r/pulls/7") => {
            json!({"number": 7, "head": {"sha": issue.head_sha, "repo": {"full_name": "x/r"}}})
        }
        ("POST", "/repos/o/r/git/refs") => {
            let name = body["ref"].as_str().expect("a name").to_owned();
            issue.refs.insert(name, body["sha"].clone());
            body
        }
        ("POST", path) if path.starts_with("/repos/o/r/git/") => {
            let sha = format!("{:040x}", issue.objects.len() + 1);
            issue.objects.push((path.to_owned(), body));
            json!({ "sha": sha })
        }
        ("PATCH", path) if path.starts_with("/repos/o/r/git/refs/") => {
            let name = path.trim_start_matches("/repos/o/r/git/");
            match issue.refs.get_mut(name) {
                Some(sha) => *sha = body["sha"].clone(),
                None => {
                    return (axum::http::StatusCode::UNPROCESSABLE_ENTITY, "{}").into_response();
                }
            }
            body
        }
        ("PATCH", path) => {
            let id: usize = path.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(0);
            let comment = &mut issue.comments[id - 1];
            comment["body"] = body["body"].clone();
            comment.clone()
        }
        _ => return (axum::http::StatusCode::NOT_FOUND, "{}").into_response(),
    };
    axum::Json(told).into_response()
}

/// What a step of the action did.
struct Step {
    success: bool,
    log: String,
    outputs: String,
    page: String,
}

impl Step {
    fn output(&self, name: &str) -> &str {
        let line =
            self.outputs.lines().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default()
    }
}

fn step(
    project: &Project,
    github: &GitHub,
    event: &str,
    payload: &Value,
    inputs: &[(&str, &str)],
) -> Step {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    for name in ["outputs", "page"] {
        project.write(&format!("../{name}"), "");
    }
    project.write("../event.json", payload.to_string());
    std::fs::create_dir_all(project.path("../runner")).expect("a folder");
    // The environment of a project's command, for another program.
    let own = project.command(["--version"]);
    let mut command = Command::new("bash");
    command.arg(root.join("action/run.sh")).current_dir(project.root()).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
        .env("GITHUB_WORKSPACE", project.root())
        .env("GITHUB_ACTION_PATH", &root)
        .env("GITHUB_EVENT_NAME", event)
        .env("GITHUB_EVENT_PATH", project.path("../event.json"))
        .env("GITHUB_REPOSITORY", "o/r")
        .env("GITHUB_API_URL", &github.served.base)
        .env("GITHUB_RUN_ID", "1")
        .env("GITHUB_OUTPUT", project.path("../outputs"))
        .env("GITHUB_STEP_SUMMARY", project.path("../page"))
        .env("RUNNER_TEMP", project.path("../runner"))
        .env("STORYREEL_ACTION_PAUSE", "0")
        .env("INPUT_BINARY", env!("CARGO_BIN_EXE_storyreel"))
        .env("INPUT_GITHUB_TOKEN", "ghs_token")
        .env("INPUT_PREVIEWS", "false");
    for (name, value) in inputs {
        command.env(name, value);
    }
    let done = command.output().expect("bash");
    Step {
        success: done.status.success(),
        log: String::from_utf8_lossy(&done.stdout).into_owned()
            + &String::from_utf8_lossy(&done.stderr),
        outputs: project.read("../outputs"),
        page: project.read("../page"),
    }
}

fn pull_request(from: &str) -> Value {
    json!({"pull_request": {
        "number": 7,
        "head": {"sha": "a".repeat(40), "repo": {"full_name": from}},
        "base": {"repo": {"full_name": "o/r"}}
    }})
}

#[test]
fn a_pull_request_gets_one_comment_that_is_kept_up_to_date() {
    let (github, emulator) = (GitHub::start(), Emulator::start());
    let project = Project::with_storyboard(FILM).using(&emulator);
    // Somebody else's comments fill a page and more, one of them with our mark.
    github.with(|issue| {
        issue.comments = (1..=119)
            .map(|id| json!({"id": id, "body": "<!-- storyreel:plan . -->", "user": {"login": "somebody", "type": "User"}}))
            .collect();
    });
    let done = step(&project, &github, "pull_request", &pull_request("o/r"), &[]);
    assert!(done.success, "{}", done.log);
    assert_eq!(done.output("paid-work"), "true", "{}", done.outputs);
    assert_eq!(done.output("credits"), "120");
    let (count, body) =
        github.with(|issue| (issue.comments.len(), issue.comments[119]["body"].clone()));
    let body = body.as_str().expect("a comment");
    assert_eq!(count, 120);
    assert!(body.starts_with("<!-- storyreel:plan . -->"), "{body}");
    assert!(body.contains("2 to create") && body.contains("120 credits"), "{body}");
    assert!(!body.contains("<b>") && !body.contains("@team"), "{body}");
    assert!(done.page.contains("2 to create"), "{}", done.page);
    assert!(!project.has("pwned"));
    // A title that looks like a command of the runner's is printed where commands are stopped, or not at all.
    let stopped = done.log.find("::stop-commands::");
    for (at, _) in done.log.match_indices("::error::x") {
        assert!(stopped.is_some_and(|stopped| stopped < at), "{}", done.log);
    }
    assert!(github.calls().last().is_some_and(|call| call.starts_with("POST ")));

    project.write("SCENES.md", FILM.replace("at dawn", "at dusk"));
    project.run(["render", "--only", "2", "--yes"]).expect(0);
    github.with(|issue| issue.failures = vec![500]);
    let done = step(&project, &github, "pull_request", &pull_request("o/r"), &[]);
    assert!(done.success, "{}", done.log);
    let (count, body) =
        github.with(|issue| (issue.comments.len(), issue.comments[119]["body"].to_string()));
    assert_eq!(count, 120, "the same comment");
    assert!(body.contains("1 to create; 1 unchanged"), "{body}");

    // Whatever is wrong with the comment is no reason to fail.
    github.with(|issue| issue.failures = vec![500; 40]);
    let done = step(&project, &github, "pull_request", &pull_request("o/r"), &[]);
    assert!(done.success && done.log.contains("::warning"), "{}", done.log);
    // A storyboard with errors is reported before the step fails.
    github.with(|issue| issue.failures.clear());
    project.write("SCENES.md", FILM.replace("4s", "40s"));
    let done = step(&project, &github, "pull_request", &pull_request("o/r"), &[]);
    assert!(!done.success && done.log.contains("::error file=SCENES.md,line="), "{}", done.log);
    assert!(done.page.contains("40 s"), "{}", done.page);
}

/// The animatic's contact sheet is a picture in the comment where the job may keep it, and nowhere else.
#[test]
fn a_comment_shows_the_contact_sheet() {
    let (github, emulator) = (GitHub::start(), Emulator::start());
    let project = Project::with_storyboard(FILM).using(&emulator);
    let shown = [("INPUT_PREVIEWS", "true"), ("INPUT_PICTURES", "true")];
    let comment = || github.with(|issue| issue.comments[0]["body"].as_str().map(str::to_owned));
    for commit in [3, 6] {
        let done = step(&project, &github, "pull_request", &pull_request("o/r"), &shown);
        assert!(done.success, "{}", done.log);
        let picture = format!(
            "![Contact sheet of the animatic](https://github.com/o/r/blob/{commit:040x}/sheet.png?raw=true)"
        );
        assert!(comment().expect("a comment").contains(&picture), "{:?}", comment());
        assert!(done.page.contains(&picture), "{}", done.page);
    }
    github.with(|issue| {
        let refs: Vec<(&String, &Value)> = issue.refs.iter().collect();
        assert!(refs.len() == 1 && refs[0].0.starts_with("refs/storyreel/pull-7/"), "{refs:?}");
        assert_eq!(*refs[0].1, json!(format!("{:040x}", 6)));
        let (path, blob) = &issue.objects[3];
        assert!(path.ends_with("/blobs"), "{path}");
        // What a PNG begins with, in base 64.
        assert!(blob["content"].as_str().is_some_and(|text| text.starts_with("iVBORw0KGgo")));
        assert_eq!(issue.objects[5].1["parents"], json!([]));
    });

    // Without the right to keep it there is a comment without it.
    github.with(|issue| issue.failures = vec![403]);
    let done = step(&project, &github, "pull_request", &pull_request("o/r"), &shown);
    assert!(done.success && done.log.contains("contents: write"), "{}", done.log);
    assert!(comment().is_some_and(|body| body.contains("2 to create") && !body.contains("![")));
    // A fork's picture is nobody's to keep.
    github.calls();
    let done = step(&project, &github, "pull_request", &pull_request("x/r"), &shown);
    assert!(done.success, "{}", done.log);
    assert_eq!(github.calls(), Vec::<String>::new());
}

#[test]
fn a_fork_is_commented_on_by_a_run_of_ours_that_trusts_nothing() {
    let (github, emulator) = (GitHub::start(), Emulator::start());
    let project = Project::with_storyboard(FILM).using(&emulator);
    let done = step(&project, &github, "pull_request", &pull_request("x/r"), &[]);
    assert!(done.success, "{}", done.log);
    assert_eq!(github.calls(), Vec::<String>::new(), "its token cannot write");
    let artifact = done.output("artifact-dir").to_owned();
    let run = json!({
        "workflow_run": {"event": "pull_request", "head_sha": "a".repeat(40), "head_repository": {"full_name": "x/r"}},
        "repository": {"full_name": "o/r"}
    });
    let inputs = [("INPUT_COMMAND", "comment"), ("INPUT_ARTIFACT", artifact.as_str())];
    let done = step(&project, &github, "workflow_run", &run, &inputs);
    assert!(done.success, "{}", done.log);
    let body = github.with(|issue| issue.comments[0]["body"].to_string());
    assert!(body.contains("2 to create") && body.contains("fork"), "{body}");

    // The number in the artifact is a stranger's: the pull request must have the commit that was run.
    github.with(|issue| issue.head_sha = "b".repeat(40));
    let done = step(&project, &github, "workflow_run", &run, &inputs);
    assert!(done.success && done.log.contains("::warning"), "{}", done.log);
    github.with(|issue| issue.head_sha = "a".repeat(40));
    std::fs::write(
        format!("{artifact}/summary.md"),
        "### Hi\n\n<img src=https://evil.example/x> @team\n",
    )
    .expect("a file");
    step(&project, &github, "workflow_run", &run, &inputs);
    let body = github.with(|issue| issue.comments[0]["body"].to_string());
    assert!(body.contains("```") && !body.contains("@team"), "{body}");
}

#[test]
fn main_is_rendered_within_its_budget() {
    let (github, emulator) = (GitHub::start(), Emulator::start());
    let project = Project::with_storyboard(FILM).using(&emulator);
    let push = json!({"ref": "refs/heads/main"});
    let render = |inputs: &[(&str, &str)]| {
        let all: Vec<_> = [("INPUT_COMMAND", "render")].iter().chain(inputs).copied().collect();
        step(&project, &github, "push", &push, &all)
    };
    let done = render(&[]);
    assert!(!done.success && done.log.contains("max-credits"), "{}", done.log);
    let done = render(&[("INPUT_MAX_CREDITS", "70")]);
    assert!(!done.success, "{}", done.log);
    assert_eq!(done.output("exit-code"), "6");
    assert!(done.page.contains("1 rendered"), "{}", done.page);
    let done = render(&[("INPUT_MAX_CREDITS", "100")]);
    assert!(done.success, "{}", done.log);
    assert_eq!(done.output("exit-code"), "0");
    assert_eq!(emulator.bill()["creates"].as_array().map(Vec::len), Some(2));
    // A fork's pull request never gets here with the key, and is refused if it does.
    let done = step(
        &project,
        &github,
        "pull_request",
        &pull_request("x/r"),
        &[("INPUT_COMMAND", "render"), ("INPUT_MAX_CREDITS", "100")],
    );
    assert!(!done.success && done.log.contains("fork"), "{}", done.log);
    assert_eq!(github.calls(), Vec::<String>::new());
}
