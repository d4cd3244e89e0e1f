//! `storyreel mcp`: the same commands for agents that speak the Model Context Protocol, over standard input and output.
//!
//! Each tool runs this program as a process of its own, so that an agent gets what a person would, with the same locks, records and
//! exit codes. What it may spend in all is said when the server is started, by the user, and no tool can raise it.

use super::Output;
use super::failure::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock, Implementation, ServerCapabilities, ServerConfig};
use rmcp::{ErrorData, ServerHandler, ServiceExt as _, schemars, tool, tool_handler, tool_router};
use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use tokio::sync::Mutex;

/// A tool's answer is not longer than this, in characters: an agent has to read it.
const LONGEST: usize = 60_000;

const INSTRUCTIONS: &str = "\
Renders a storyboard to video clips with paid models; only scenes whose request changed are paid for. The loop: check, plan, preview, sheet, then \
render within the credits that the user has allowed, look at the sheet, retake or edit. Everything but render is free. Every answer ends with what \
the next render would cost and what is left. A submission whose outcome is unknown is the user's to decide: stop and ask.";

/// Serve these commands to an agent over the Model Context Protocol (standard input and output).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --max-credits nothing paid is sent. The number holds for all renders of this server together; your own limits in
`~/.config/storyreel/config.toml` hold as well.

Examples:
  storyreel mcp                             free: check, plan, preview, sheet, explain
  storyreel mcp --max-credits 300           may spend 300 credits in all
  claude mcp add storyreel -- storyreel mcp --max-credits 300 --dir my-film")]
pub(super) struct Mcp {
    /// Credits that all renders of this server together may spend
    #[arg(long, value_name = "N")]
    max_credits: Option<f64>,
    /// The project's folder; the working folder unless given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Mcp {
    pub fn run(&self, _: Output) -> Result<u8, Failure> {
        let limit = self.max_credits.unwrap_or(0.0);
        if !limit.is_finite() || limit < 0.0 {
            return Err(Failure::invalid("max-credits", "`--max-credits` is a number of credits"));
        }
        let program = std::env::current_exe().map_err(|error| {
            Failure::cannot_work("program", format!("cannot tell where this program is: {error}"))
        })?;
        let folder = self.dir.clone().unwrap_or_else(|| PathBuf::from("."));
        if !folder.is_dir() {
            let shown = folder.display();
            return Err(Failure::invalid("no-folder", format!("there is no folder `{shown}`")));
        }
        let server = Server {
            program,
            folder,
            limit,
            spent: Arc::new(Mutex::new(0.0)),
            tool_router: Server::tool_router(),
        };
        let runtime = super::shared::runtime()?;
        let served = runtime.block_on(async {
            let service =
                server.serve(rmcp::transport::stdio()).await.map_err(|error| error.to_string())?;
            service.waiting().await.map_err(|error| error.to_string())
        });
        runtime.shutdown_background();
        served.map(|_| 0).map_err(|error| {
            Failure::cannot_work(
                "mcp",
                format!("the conversation with the agent broke off: {error}"),
            )
        })
    }
}

#[derive(Debug, Clone)]
struct Server {
    program: PathBuf,
    folder: PathBuf,
    /// Credits that may be spent in all.
    limit: f64,
    /// What renders were allowed or have spent so far. Held while one goes on: one run at a time.
    spent: Arc<Mutex<f64>>,
    tool_router: ToolRouter<Self>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Board {
    /// The storyboard's file; left out, the project's own.
    #[serde(default)]
    storyboard: Option<String>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct CheckAsk {
    /// The storyboard's file; left out, the project's own.
    #[serde(default)]
    storyboard: Option<String>,
    /// Also tell what makes prompts weak.
    #[serde(default)]
    lints: bool,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Choice {
    /// The storyboard's file; left out, the project's own.
    #[serde(default)]
    storyboard: Option<String>,
    /// Only these scenes: ids, ranges and steps, such as `1,3-5,intro`.
    #[serde(default)]
    only: Option<String>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct SceneAsk {
    /// The scene's id.
    #[serde(deserialize_with = "scene_id")]
    scene: String,
    /// The storyboard's file; left out, the project's own.
    #[serde(default)]
    storyboard: Option<String>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct SheetAsk {
    /// The storyboard's file; left out, the project's own.
    #[serde(default)]
    storyboard: Option<String>,
    /// Only these scenes: ids and ranges, such as `1,3-5`.
    #[serde(default)]
    only: Option<String>,
    /// The animatic that `preview` has drawn, in place of the clips.
    #[serde(default)]
    preview: bool,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct RenderAsk {
    /// Credits that this render may spend. Not more than is left of what the user allows.
    max_credits: f64,
    /// Only these scenes: ids, ranges and steps, such as `1,3-5,intro`.
    #[serde(default)]
    only: Option<String>,
    /// New takes of these scenes, changed or not.
    #[serde(default)]
    retake: Option<String>,
    /// The storyboard's file; left out, the project's own.
    #[serde(default)]
    storyboard: Option<String>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct PickAsk {
    /// The scene's id.
    #[serde(deserialize_with = "scene_id")]
    scene: String,
    /// The take to put in place; left out, the takes are listed.
    #[serde(default)]
    take: Option<u32>,
    /// The storyboard's file; left out, the project's own.
    #[serde(default)]
    storyboard: Option<String>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ModelsAsk {
    /// A part of a name, such as `veo`; left out, all models.
    #[serde(default)]
    query: Option<String>,
}

/// An id as plans write it: a number, or text.
fn scene_id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(id) => Ok(id),
        Value::Number(id) => Ok(id.to_string()),
        _ => Err(serde::de::Error::custom("a scene's id is a number or a text")),
    }
}

type Answer = Result<CallToolResult, ErrorData>;

#[tool_router]
impl Server {
    #[tool(description = "Find all problems of the storyboard, with places and suggestions. Free.")]
    async fn check(&self, Parameters(ask): Parameters<CheckAsk>) -> Answer {
        let mut arguments = vec!["check", "--format", "json"];
        if ask.lints {
            arguments.extend(["--lints", "all"]);
        }
        self.answer(&arguments, ask.storyboard.as_deref()).await
    }

    #[tool(
        description = "What would be rendered, why (old and new words), and what it would cost in credits. Free."
    )]
    async fn plan(&self, Parameters(ask): Parameters<Choice>) -> Answer {
        let mut arguments = vec!["plan"];
        if let Some(only) = &ask.only {
            arguments.extend(["--only", only]);
        }
        self.answer(&arguments, ask.storyboard.as_deref()).await
    }

    #[tool(
        description = "Draw a free animatic of the scenes on this machine; `sheet` with preview shows its pictures. Free."
    )]
    async fn preview(&self, Parameters(ask): Parameters<Choice>) -> Answer {
        let mut arguments = vec!["render", "--preview"];
        if let Some(only) = &ask.only {
            arguments.extend(["--only", only]);
        }
        self.answer(&arguments, ask.storyboard.as_deref()).await
    }

    #[tool(
        description = "The first, middle and last picture of each take on one page, as an image. Free."
    )]
    async fn sheet(&self, Parameters(ask): Parameters<SheetAsk>) -> Answer {
        let file = tempfile::Builder::new().prefix("sheet-").suffix(".png").tempfile();
        let file = file.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let path = file.path().display().to_string();
        let mut arguments = vec!["sheet", "-o", &path];
        if ask.preview {
            arguments.push("--preview");
        }
        // Behind everything that could be taken for a flag.
        let only: Vec<&str> =
            ask.only.as_deref().filter(|only| !only.is_empty()).into_iter().collect();
        let ran = self.run(&arguments, ask.storyboard.as_deref(), &only).await?;
        let mut content = vec![ContentBlock::text(ran.text().replace(&path, "the picture"))];
        if ran.code == 0 {
            let bytes = std::fs::read(file.path())
                .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
            content.insert(0, ContentBlock::image(STANDARD.encode(&bytes), "image/png"));
        }
        content.push(self.next(ask.storyboard.as_deref()).await);
        Ok(result(content, ran.code))
    }

    #[tool(
        description = "Each part of a scene's request, recorded and now, and the prompt as it is sent. Free."
    )]
    async fn explain(&self, Parameters(ask): Parameters<SceneAsk>) -> Answer {
        let ran = self.run(&["explain"], ask.storyboard.as_deref(), &[&ask.scene]).await?;
        self.told(&ran, ask.storyboard.as_deref()).await
    }

    #[tool(
        description = "Scenes, takes, tasks in flight, submissions whose outcome is unknown, and the bill. Free."
    )]
    async fn status(&self, Parameters(ask): Parameters<Board>) -> Answer {
        self.answer(&["status"], ask.storyboard.as_deref()).await
    }

    #[tool(
        description = "The models: what they can do, their parameters, limits and prices. Free."
    )]
    async fn models(&self, Parameters(ask): Parameters<ModelsAsk>) -> Answer {
        let query: Vec<&str> = ask.query.as_deref().into_iter().collect();
        let ran = self.run(&["models"], None, &query).await?;
        self.told(&ran, None).await
    }

    #[tool(description = "The camera moves with their names, what each does and is for. Free.")]
    async fn camera(&self) -> Answer {
        let ran = self.run(&["camera"], None, &[]).await?;
        self.told(&ran, None).await
    }

    #[tool(description = "List the takes of a scene, or put one of them in place. Free.")]
    async fn pick(&self, Parameters(ask): Parameters<PickAsk>) -> Answer {
        let take = ask.take.map(|take| take.to_string());
        let positional: Vec<&str> =
            std::iter::once(ask.scene.as_str()).chain(take.as_deref()).collect();
        let ran = self.run(&["pick"], ask.storyboard.as_deref(), &positional).await?;
        self.told(&ran, ask.storyboard.as_deref()).await
    }

    #[tool(
        description = "Render what changed, or new takes of `retake`: SPENDS CREDITS, at most `max_credits` and never more than is left of what the user allows. Plan first."
    )]
    async fn render(&self, Parameters(ask): Parameters<RenderAsk>) -> Answer {
        // One at a time, so that two of them cannot share what is left.
        let mut spent = self.spent.lock().await;
        let left = (self.limit - *spent).max(0.0);
        if !ask.max_credits.is_finite() || ask.max_credits < 0.0 {
            return Ok(refused("`max_credits` is a number of credits"));
        }
        if ask.max_credits > left {
            let message = format!(
                "{} credits are more than the {left} that are left of the {} the user allows here; ask the user, who \
                 starts this server with `--max-credits`",
                ask.max_credits, self.limit
            );
            return Ok(refused(&message));
        }
        let credits = ask.max_credits.to_string();
        let mut arguments = vec!["render", "--json", "--max-credits", &credits];
        if let Some(only) = &ask.only {
            arguments.extend(["--only", only]);
        }
        if let Some(retake) = &ask.retake {
            arguments.extend(["--retake", retake]);
        }
        // Whatever becomes of the run, it counts for all that it might have spent until it says what it has.
        *spent += ask.max_credits;
        let ran = self.run(&arguments, ask.storyboard.as_deref(), &[]).await?;
        let told = ran.stdout.lines().rev().find_map(|line| {
            let event: Value = serde_json::from_str(line).ok()?;
            (event["event"] == "run-finished").then_some(event)
        });
        if let Some(event) = &told
            && let Some(credits) = event["credits"].as_f64()
            && event["unknown"] == 0
            && event["still_running"] == 0
        {
            *spent += credits - ask.max_credits;
        }
        drop(spent);
        self.told(&ran, ask.storyboard.as_deref()).await
    }
}

impl Server {
    async fn answer(&self, arguments: &[&str], storyboard: Option<&str>) -> Answer {
        let ran = self.run(arguments, storyboard, &[]).await?;
        self.told(&ran, storyboard).await
    }

    /// What a command said, and what the next render would cost.
    async fn told(&self, ran: &Ran, storyboard: Option<&str>) -> Answer {
        let content = vec![ContentBlock::text(ran.text()), self.next(storyboard).await];
        Ok(result(content, ran.code))
    }

    /// Runs this program. What an agent says is an argument and never a flag.
    async fn run(
        &self,
        arguments: &[&str],
        storyboard: Option<&str>,
        positional: &[&str],
    ) -> Result<Ran, ErrorData> {
        let file = storyboard.map(|file| self.inside(file)).transpose()?;
        let mut command = tokio::process::Command::new(&self.program);
        command.args(["--color", "never"]).args(arguments);
        command.args(file.map(|file| format!("--file={file}")));
        if !positional.is_empty() {
            command.arg("--").args(positional);
        }
        if self.limit <= 0.0 {
            command.env("STORYREEL_NO_SPEND", "1");
        }
        command.current_dir(&self.folder).stdin(Stdio::null());
        let output = command.output().await.map_err(|error| {
            ErrorData::internal_error(format!("cannot run storyreel: {error}"), None)
        })?;
        Ok(Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// A storyboard of the project that the user has named: an agent is shown no other files.
    fn inside<'f>(&self, file: &'f str) -> Result<&'f str, ErrorData> {
        let real = |path: &std::path::Path| path.canonicalize().ok();
        let is_inside = real(&self.folder)
            .zip(real(&self.folder.join(file)))
            .is_none_or(|(folder, file)| file.starts_with(folder));
        let is_plain = std::path::Path::new(file).components().all(|part| {
            matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir)
        });
        if is_inside && is_plain {
            return Ok(file);
        }
        let message = "`storyboard` is a file of this project, such as `SCENES.md`";
        Err(ErrorData::invalid_params(message, None))
    }

    /// What the next render would cost, and what is left.
    async fn next(&self, storyboard: Option<&str>) -> ContentBlock {
        let left = (self.limit - *self.spent.lock().await).max(0.0);
        let plan = self.run(&["plan", "--json"], storyboard, &[]).await.ok();
        let plan = plan.filter(|plan| plan.code == 0);
        let plan: Option<Value> = plan.and_then(|plan| serde_json::from_str(&plan.stdout).ok());
        let cost = plan.map_or_else(
            || "cannot be told before the storyboard's problems are mended".to_owned(),
            |plan| {
                let summary = &plan["summary"];
                let scenes = [&summary["create"], &summary["update"]];
                let scenes: u64 = scenes.iter().filter_map(|count| count.as_u64()).sum();
                let unpriced = match summary["unpriced_steps"].as_u64() {
                    Some(0) | None => String::new(),
                    Some(steps) => format!(" and {steps} steps without a known price"),
                };
                format!("would cost {} credits{unpriced} for {scenes} scenes", summary["credits"])
            },
        );
        ContentBlock::text(format!(
            "next: a render of all {cost}; {left} of {} credits are left here",
            self.limit
        ))
    }
}

/// What a command did.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn text(&self) -> String {
        let mut text = format!("exit {}\n{}", self.code, self.stdout);
        if !self.stderr.trim().is_empty() {
            text.push('\n');
            text.push_str(&self.stderr);
        }
        if text.chars().count() > LONGEST {
            text = text.chars().take(LONGEST).collect();
            text.push_str("\n… (more than fits: choose scenes with `only`)");
        }
        text
    }
}

/// Exit codes that an agent must not take for success.
fn result(content: Vec<ContentBlock>, code: i32) -> CallToolResult {
    if matches!(code, 0 | 7 | 8) {
        CallToolResult::success(content)
    } else {
        CallToolResult::error(content)
    }
}

fn refused(message: &str) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(format!("nothing was sent: {message}"))])
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("storyreel", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }
}
