//! `storyreel render`: carries out the plan.

use super::approve;
use super::args::File;
use super::consent::{self, Spending};
use super::failure::Failure;
use super::held::Held;
use super::interrupt::{INTERRUPTED, Interrupts};
use super::plan::{ChoiceArgs, PAID_WORK};
use super::reporters::{Reporters, action_counts, blocked_events, stamped};
use super::reports::{ReportArgs, Reports};
use super::saved_plan::SavedPlan;
use super::shared::{self, Shared};
use super::workspace::Workspace;
use super::{Output, online, preview, selection, tell};
use crate::engine::event::{Event, Stamped, Summary};
use crate::engine::policy::Policy;
use crate::engine::purse::{MemoryPurse, Purse, SharedPurse};
use crate::engine::real::RealClock;
use crate::engine::watched::{WatchedFiles, WatchedLedger, WatchedTransport};
use crate::engine::window::{MemoryWindow, SharedWindow, Window, WindowLimit};
use crate::engine::{Order, World};
use crate::known::Known;
use crate::ledger::{
    AttemptId, AttemptState, FileRecord, Ledger as _, ProjectLock, Snapshot, SqliteLedger,
};
use crate::plan::{ClipSource, Picked, PlanOptions, Planned, ScenePlan, StepStart, Work};
use crate::remote::bind::{Need, needs};
use crate::remote::http::HttpTransport;
use crate::report::json::JsonLines;
use crate::report::plan_text::{self, PlanText};
use crate::report::summary::RunLog;
use crate::report::{Reporter, sanitise};
use crate::settings::{Flags, quantity, smallest};
use clap_complete::ArgValueCompleter;
use secrecy::ExposeSecret as _;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Render what changed: submit, wait, download and publish. Run it again and nothing happens.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "\
On a terminal the plan is shown and you are asked once before anything is spent; `--yes`, `--max-credits` and `--plan`
answer for you. Without a terminal nothing is asked. Interrupt with Ctrl-C whenever you like: tasks are on record, and
the next run collects them.

Examples:
  storyreel render --preview                  a free animatic in .storyreel/preview
  storyreel render --max-credits 300
  storyreel render --only 3,7 --yes
  storyreel render --retake 4                 a new take of a scene that did not change
  storyreel render --submit-only              leave the waiting to a later run
  storyreel render --locked                   in CI: free work only, exits 7 when there is paid work to do")]
pub(super) struct Render {
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    choices: ChoiceArgs,
    #[command(flatten)]
    reports: ReportArgs,
    /// Draw a free animatic on this machine: no key, no network, no cost
    #[arg(long, conflicts_with_all = ["plan", "retake", "resubmit_unknown", "locked", "submit_only"])]
    preview: bool,
    /// Carry out this saved plan and no other
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["only", "exclude", "retake", "rerender_absent", "defer_to", "through", "profile"])]
    plan: Option<PathBuf>,
    /// Never spend more credits than this; of several caps the smallest wins
    #[arg(long, value_name = "N", value_parser = credits, allow_negative_numbers = true)]
    max_credits: Option<f64>,
    /// Go ahead without asking
    #[arg(short, long)]
    yes: bool,
    /// Do free work only, and exit 7 when there is paid work to do
    #[arg(long)]
    locked: bool,
    /// End the run after this time, with its tasks on record: `90s`, `10m`
    #[arg(long = "for", value_name = "TIME", value_parser = quantity::duration)]
    run_for: Option<Duration>,
    /// Submit, and leave the collecting to a later run
    #[arg(long)]
    submit_only: bool,
    /// Wait for another run of this project to end, for ever or so many seconds
    #[arg(long, value_name = "SECS", num_args = 0..=1, require_equals = true, default_missing_value = "10y", value_parser = wait)]
    wait: Option<Duration>,
    /// Submit these again though an earlier submission may have been accepted: may pay twice
    #[arg(long, value_name = "SEL", add = ArgValueCompleter::new(super::completing::scenes))]
    resubmit_unknown: Option<String>,
    /// Print events as JSON lines
    #[arg(long)]
    pub json: bool,
}

fn credits(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| "write a number of credits, 0 or more".to_owned())
}

fn wait(text: &str) -> Result<Duration, String> {
    // As good as for ever, and no sum of it overflows.
    if text == "10y" {
        Ok(Duration::from_secs(10 * 365 * 86_400))
    } else {
        quantity::duration(text)
    }
}

/// What is to be done, and what must be told or recorded before.
struct Prepared {
    planned: Planned,
    /// Unknown submissions that the user wants to pay for again.
    resubmitted: Vec<AttemptId>,
    /// Upgrades that an earlier process meant to call: whether they were ordered nobody knows.
    meant: BTreeSet<AttemptId>,
    /// What it was made with.
    known: Known,
}

impl Render {
    pub fn run(&self, output: Output) -> Result<u8, Failure> {
        let done = self.run_reported(output);
        if let Err(failure) = &done {
            let storyboard = self.file.flags().storyboard;
            let storyboard = storyboard.map(|path| path.display().to_string());
            self.reports.without_run(storyboard.as_deref().unwrap_or("storyboard"), failure);
        }
        done
    }

    fn run_reported(&self, output: Output) -> Result<u8, Failure> {
        let interrupts = Interrupts::listen();
        let saved = self.plan.as_deref().map(SavedPlan::read).transpose()?;
        let mut flags = Flags { max_credits: self.max_credits, ..self.file.flags() };
        flags.defer_to.clone_from(&self.choices.elsewhere.defer_to);
        if let Some(saved) = &saved {
            flags.profile.clone_from(&saved.choices.profile);
            flags.defer_to.clone_from(&saved.choices.defer_to);
        }
        let workspace = Workspace::open(&flags)?;
        let choices =
            saved.as_ref().map_or_else(|| self.choices.choices(), |saved| saved.choices.clone());
        let options = super::plan::options(&workspace, &choices)?;
        if self.preview {
            return preview::run(&workspace, &options, self.json, output);
        }

        // Everything that can be wrong with the storyboard is told before the project is touched.
        let looked = workspace.look_everywhere()?;
        let (first, warnings) = workspace.plan(&looked, &options)?;
        workspace.tell_warnings(&warnings, output);
        if self.is_idle(&first, &looked.known.ledger)
            && !shared::has_news(&workspace, &looked.known)?
        {
            if let Some(saved) = &saved {
                saved.verify(&first.plan)?;
            }
            remember(&workspace, &looked.fresh);
            let exit = self.finish_idle(&workspace, &first, output);
            // The process ends here; taking a thousand scenes apart piece by piece would be a tenth of its time.
            std::mem::forget((looked, first, workspace));
            return exit;
        }

        // A run that pays for nothing may turn out to have only work that needs no key.
        if !self.is_free(&workspace) {
            self.check_key(&workspace, &first)?;
        }
        let mut held = Held::take(&workspace, self.wait)?;
        let mut prepared = self.prepare(&workspace, &mut held, &options, saved.as_ref())?;
        self.show(&workspace, &prepared.planned, output);
        let paid_left =
            self.is_free(&workspace) && leave_out_paid(&mut prepared.planned, &prepared.meant);
        if paid_left && !self.locked {
            tell("`STORYREEL_NO_SPEND` is set: nothing is paid for, and only free work is done\n");
        }
        self.check_key(&workspace, &prepared.planned)?;
        refuse_pointers(&prepared.planned, &prepared.known)?;
        if !self.agrees(&workspace, &prepared.planned, &prepared.meant, output)? {
            tell("nothing was sent\n");
            return Ok(INTERRUPTED);
        }
        held.check_folders(&workspace, &prepared.planned)?;
        let summary = &prepared.planned.plan.summary;
        let credits = summary.credits + meant_credits(&prepared.planned, &prepared.meant);
        let bound = approve::check(&workspace, credits, summary.unpriced_steps, saved.as_ref())?;
        held.record(&prepared.planned, &prepared.resubmitted)?;
        let exit = self.execute(&workspace, &mut held, prepared, bound, &interrupts, output)?;
        // Whoever interrupts wants to leave.
        if exit != INTERRUPTED {
            held.give(&workspace)?;
        }
        Ok(if exit == 0 && paid_left { PAID_WORK } else { exit })
    }

    /// A run that does only free work, for commands that put something in place.
    pub fn free(file: File, json: bool) -> Self {
        Self { file, json, locked: true, yes: true, ..Self::default() }
    }

    /// Does the free work of a plan that is made with these options, and gives what became of the choice in it.
    pub fn put_in_place(
        &self,
        workspace: &Workspace,
        options: &PlanOptions,
        output: Output,
    ) -> Result<(u8, Option<Picked>), Failure> {
        let interrupts = Interrupts::listen();
        let mut held = Held::take(workspace, self.wait)?;
        let mut prepared = self.prepare(workspace, &mut held, options, None)?;
        let picked = prepared.planned.picked.take();
        if prepared.planned.plan.scenes.iter().flat_map(ScenePlan::works).next().is_none() {
            return Ok((0, picked));
        }
        // Only what is chosen is seen to; tasks in flight wait for the next run.
        prepared.planned.collect.clear();
        leave_out_paid(&mut prepared.planned, &prepared.meant);
        self.check_key(workspace, &prepared.planned)?;
        held.check_folders(workspace, &prepared.planned)?;
        let exit = self.execute(workspace, &mut held, prepared, None, &interrupts, output)?;
        Ok((exit, picked))
    }

    /// True for a run that may pay for nothing.
    fn is_free(&self, workspace: &Workspace) -> bool {
        self.locked || workspace.settings.no_spend
    }

    /// True when there is nothing to do, nothing to collect and nothing to recover.
    fn is_idle(&self, planned: &Planned, ledger: &Snapshot) -> bool {
        let work = planned.plan.scenes.iter().any(|scene| scene.works().next().is_some());
        let blocked = planned.plan.summary.blocked > 0;
        let unfinished = ledger
            .takes
            .iter()
            .flat_map(|take| &take.attempts)
            .any(|attempt| attempt.state == AttemptState::Intent);
        let unknown =
            planned.plan.scenes.iter().any(|scene| scene.unknown_takes().next().is_some());
        !work
            && !unknown
            && !blocked
            && !unfinished
            && planned.collect.is_empty()
            && planned.moved_takes.is_empty()
            && ledger.publishing.is_empty()
            && self.resubmit_unknown.is_none()
    }

    /// Ends a run that has nothing to do. It needs no key, no lock and no network.
    fn finish_idle(
        &self,
        workspace: &Workspace,
        planned: &Planned,
        output: Output,
    ) -> Result<u8, Failure> {
        let summary =
            Summary { actions: action_counts(&planned.plan.summary), ..Summary::default() };
        let mut log = RunLog::default();
        log.event(&stamped(None, Event::RunFinished(summary.clone())));
        Reports::new(&self.reports, &planned.plan).write(&log, &self.file.commands());
        if self.json {
            let mut lines = JsonLines::new(std::io::stdout());
            lines.event(&stamped(None, Event::RunFinished(summary)));
        } else {
            let text =
                PlanText { max_credits: workspace.settings.max_credits, ..PlanText::default() };
            tell(&plan_text::render(&planned.plan, &text, output.stderr));
        }
        Ok(0)
    }

    /// Looks again, now that nobody else changes anything, and makes the plan that is carried out.
    fn prepare(
        &self,
        workspace: &Workspace,
        held: &mut Held,
        options: &PlanOptions,
        saved: Option<&SavedPlan>,
    ) -> Result<Prepared, Failure> {
        let mut snapshot = held.ledger.snapshot()?;
        let resubmitted = self.resubmitted(workspace, &mut snapshot)?;
        let meant = meant(&snapshot);
        let mut looked = workspace.look(snapshot)?;
        held.ledger.remember_files(&looked.fresh)?;
        if let Some(shared) = &held.shared {
            shared.look(&mut looked.known);
        }
        // What it counts on is here before anybody is asked whether it is what they want.
        let planned = loop {
            let (planned, _) = workspace.plan(&looked, options)?;
            let unusable = held.bring(workspace, &planned, &looked.known)?;
            if unusable.is_empty() {
                break planned;
            }
            looked.known.shared.retain(|sha256| !unusable.shared.contains(sha256));
            unusable.beside.iter().for_each(|sha256| looked.known.not_beside(sha256));
        };
        if let Some(saved) = saved {
            saved.verify(&planned.plan)?;
        }
        Ok(Prepared { planned, resubmitted, meant, known: looked.known })
    }

    /// The unknown submissions that `--resubmit-unknown` names; in the snapshot they are given up already.
    fn resubmitted(
        &self,
        workspace: &Workspace,
        snapshot: &mut Snapshot,
    ) -> Result<Vec<AttemptId>, Failure> {
        let Some(text) = &self.resubmit_unknown else { return Ok(Vec::new()) };
        let selected = selection::parse("--resubmit-unknown", text, &workspace.scene_ids())?;
        let storyboard = workspace.slot_storyboard()?;
        let mut found = Vec::new();
        for take in snapshot.takes.iter_mut().filter(|take| take.slot.storyboard == storyboard) {
            let scene = crate::storyboard::SceneId::parse(&take.slot.scene);
            if !selected.has(&scene) {
                continue;
            }
            for attempt in &mut take.attempts {
                let wanted =
                    selected.first_step(&scene).is_none_or(|step| step == attempt.intent.kind);
                if attempt.state == AttemptState::Unknown && wanted {
                    attempt.state = AttemptState::Forgotten;
                    found.push(attempt.id);
                }
            }
        }
        if found.is_empty() {
            return Err(Failure::invalid(
                "nothing-unknown",
                format!("`--resubmit-unknown {text}`: no such scene has a submission whose outcome is unknown"),
            )
            .hint("`storyreel status` shows what is on record"));
        }
        Ok(found)
    }

    /// The plan, on standard error; standard output carries data only.
    fn show(&self, workspace: &Workspace, planned: &Planned, output: Output) {
        if !self.json {
            let text =
                PlanText { max_credits: workspace.settings.max_credits, ..PlanText::default() };
            tell(&plan_text::render(&planned.plan, &text, output.stderr));
        }
    }

    /// # Errors
    /// Exit 3 when something must be sent and there is no key.
    fn check_key(&self, workspace: &Workspace, planned: &Planned) -> Result<(), Failure> {
        if workspace.settings.provider.key.is_some() || !needs_provider(planned) {
            return Ok(());
        }
        Err(Failure::cannot_work("no-key", "there is no key for kie.ai")
            .hint(
                "set `KIE_API_KEY`, or write `KIE_API_KEY=...` to `.env` in the project root; keys are made at \
                 https://kie.ai/api-key",
            )
            .next(self.file.commands().free("render", &["--preview"])))
    }

    fn agrees(
        &self,
        workspace: &Workspace,
        planned: &Planned,
        meant: &BTreeSet<AttemptId>,
        output: Output,
    ) -> Result<bool, Failure> {
        let summary = &planned.plan.summary;
        let would_spend = !self.is_free(workspace)
            && planned.plan.scenes.iter().flat_map(ScenePlan::works).any(|work| pays(work, meant));
        if !would_spend {
            return Ok(true);
        }
        let spending = Spending {
            answered: self.yes || self.max_credits.is_some() || self.plan.is_some(),
            max_credits: workspace.settings.max_credits,
        };
        consent::ask(&spending, summary, output)
    }

    /// Runs the work and gives the exit code.
    fn execute(
        &self,
        workspace: &Workspace,
        held: &mut Held,
        prepared: Prepared,
        bound: Option<f64>,
        interrupts: &Interrupts,
        output: Output,
    ) -> Result<u8, Failure> {
        let Prepared { planned, known, .. } = prepared;
        let commands = self.file.commands();
        let mut reporter = Reporters::new(
            self.json,
            workspace,
            Reports::new(&self.reports, &planned.plan),
            output,
        );
        let mut summary =
            Summary { actions: action_counts(&planned.plan.summary), ..Summary::default() };
        let blocked = blocked_events(&planned, &mut summary);
        let work: Vec<Work> =
            planned.plan.scenes.into_iter().flat_map(ScenePlan::into_works).collect();
        if work.is_empty() && planned.collect.is_empty() {
            reporter.without_run(&blocked, summary);
        } else {
            let mut policy = self.policy(workspace);
            policy.max_credits = smallest(policy.max_credits, bound);
            let Outside { transport, mut window, mut purse } = outside(workspace)?;
            // Connections to the shared cache belong to the runtime that opened them.
            let own = if held.shared.is_none() { Some(shared::runtime()?) } else { None };
            let watched = || Arc::clone(&held.watcher);
            let world = World {
                clock: &RealClock::new(),
                transport: &WatchedTransport::new(&transport, watched()),
                files: &WatchedFiles::new(&held.files, watched()),
                ledger: &mut WatchedLedger::new(&mut held.ledger, Arc::clone(&held.watcher)),
                window: window.as_mut(),
                purse: purse.as_mut(),
                shared: held.shared.as_ref().map(Shared::port),
            };
            let order = Order {
                catalog: &workspace.catalog,
                api_base: &workspace.settings.provider.api,
                upload_base: &workspace.settings.provider.upload,
                layout: &workspace.layout,
                policy: &policy,
                work,
                collect: planned.collect,
                files: planned.files,
                tasks: held.shared.as_ref().map(|_| known.tasks()).unwrap_or_default(),
                summary,
            };
            let mut blocked = Some(blocked);
            let mut emit = |event: Stamped| {
                let begun = matches!(event.event, Event::Planned { .. });
                reporter.event(&event);
                // Scenes that the plan has blocked are told once, at the beginning.
                if begun {
                    for event in blocked.take().unwrap_or_default() {
                        reporter.event(&event);
                    }
                }
            };
            let running = crate::engine::run(world, order, &mut emit, interrupts.run());
            let ended = match (&own, &held.shared) {
                (Some(runtime), _) | (None, Some(Shared { runtime, .. })) => {
                    runtime.block_on(running)
                }
                (None, None) => return Err(Failure::cannot_work("runtime", "cannot start")),
            };
            // A name that is still looked up, or a file that is still read, would be waited for otherwise.
            if let Some(runtime) = own {
                runtime.shutdown_background();
            }
            ended?;
        }
        Ok(reporter.end(&commands, output))
    }

    fn policy(&self, workspace: &Workspace) -> Policy {
        let settings = &workspace.settings;
        let mut policy = Policy {
            submissions: WindowLimit {
                count: settings.limits.submissions.count,
                length: settings.limits.submissions.window,
            },
            running: settings.limits.running,
            downloads: settings.limits.downloads,
            max_clip: settings.limits.max_clip,
            poll_first: settings.poll.first,
            poll_max: settings.poll.max,
            poll_deadline: settings.poll.deadline,
            // Making a failed task anew is another paid call.
            failed_tasks: if self.is_free(workspace) { 0 } else { settings.retry.failed_tasks },
            max_credits: settings.max_credits,
            per_day: settings.per_day,
            run_for: self.run_for,
            submit_only: self.submit_only,
            ..Policy::default()
        };
        if let Some(first) = settings.retry.first {
            policy.backoff.first = first;
        }
        if let Some(longest) = settings.retry.max {
            policy.backoff.longest = longest;
        }
        policy
    }
}

/// A file that is sent must be here, and not a Git LFS pointer in its place.
fn refuse_pointers(planned: &Planned, known: &Known) -> Result<(), Failure> {
    let pointers: BTreeMap<&str, &str> =
        known.pointers().map(|(path, sha256)| (sha256, path)).collect();
    if pointers.is_empty() {
        return Ok(());
    }
    for work in planned.plan.scenes.iter().flat_map(ScenePlan::works) {
        let Work::Render(work) = work else { continue };
        for step in work.steps.iter().filter(|step| step.start == StepStart::Fresh) {
            let needed = needs(&step.request.body).into_iter().find_map(|need| match need {
                Need::File(digest) => pointers.get(digest.as_str()).copied(),
                Need::Clip { .. } | Need::Task(_) => None,
            });
            if let Some(path) = needed {
                let message = format!(
                    "scene {} needs `{}`, and a Git LFS pointer stands in its place",
                    sanitise(&work.slot.scene, 60),
                    sanitise(path, 300)
                );
                return Err(Failure::cannot_work("lfs-pointer", message)
                    .hint("get the file with `git lfs pull`; nothing was sent"));
            }
        }
    }
    Ok(())
}

/// Keeps hashes that were made, so that the next run need not make them. Only worth it where it is easy: another run, or a
/// ledger that cannot be written, is no reason to fail.
fn remember(workspace: &Workspace, fresh: &[FileRecord]) {
    let path = workspace.layout.ledger();
    if fresh.is_empty() || !path.exists() {
        return;
    }
    let Ok(_lock) = ProjectLock::acquire(&workspace.layout.lock(), "storyreel render", None) else {
        return;
    };
    if let Ok(mut ledger) = SqliteLedger::open(&path) {
        let _ = ledger.remember_files(fresh);
    }
}

/// The provider, as far as there is a key for it, and what this user's processes share.
struct Outside {
    transport: HttpTransport,
    window: Box<dyn Window>,
    purse: Box<dyn Purse>,
}

fn outside(workspace: &Workspace) -> Result<Outside, Failure> {
    let provider = &workspace.settings.provider;
    let transport = online::transport(workspace)?;
    let Some(key) = &provider.key else {
        // Nothing is sent without a key: the work at hand was checked to need none.
        let (window, purse) = (Box::<MemoryWindow>::default(), Box::<MemoryPurse>::default());
        return Ok(Outside { transport, window, purse });
    };
    let window = SharedWindow::open(&workspace.settings.state_folder, key.expose_secret(), &provider.api)
        .map_err(|error| {
            Failure::cannot_work(
                "state",
                format!("cannot use `{}`: {error}", workspace.settings.state_folder.display()),
            )
            .hint("submissions are counted there over all projects; make it writable, or set `XDG_STATE_HOME`")
        })?;
    let purse = shared_purse(workspace);
    Ok(Outside { transport, window: Box::new(window), purse: Box::new(purse) })
}

/// What all runs of this user spend in a day.
pub(super) fn shared_purse(workspace: &Workspace) -> SharedPurse {
    let settings = &workspace.settings;
    SharedPurse::new(&settings.state_folder, &settings.provider.api, &workspace.layout.project_root)
}

/// True when carrying this out submits something new, or what is on record in `meant` and was perhaps never sent.
fn pays(work: &Work, meant: &BTreeSet<AttemptId>) -> bool {
    let Work::Render(work) = work else { return false };
    work.steps.iter().any(|step| match &step.start {
        StepStart::Fresh => true,
        StepStart::Resume(attempt) => meant.contains(attempt),
        StepStart::Done(_) | StepStart::Shared => false,
    })
}

/// The attempts that are on record as meant and no further.
fn meant(snapshot: &Snapshot) -> BTreeSet<AttemptId> {
    let attempts = snapshot.takes.iter().flat_map(|take| &take.attempts);
    let meant = attempts.filter(|attempt| attempt.state == AttemptState::Intent);
    meant.map(|attempt| attempt.id).collect()
}

/// What the upgrades that were meant may cost: a plan counts them as paid for.
fn meant_credits(planned: &Planned, meant: &BTreeSet<AttemptId>) -> f64 {
    let work = planned.plan.scenes.iter().flat_map(ScenePlan::works);
    let steps = work.filter_map(|work| match work {
        Work::Render(work) => Some(&work.steps),
        Work::Restore(_) => None,
    });
    steps
        .flatten()
        .filter(|step| matches!(&step.start, StepStart::Resume(attempt) if meant.contains(attempt)))
        .filter_map(|step| step.credits)
        .sum()
}

/// True when the provider must be asked for something.
fn needs_provider(planned: &Planned) -> bool {
    !planned.collect.is_empty()
        || planned.plan.scenes.iter().flat_map(ScenePlan::works).any(|work| match work {
            Work::Render(work) => {
                work.steps.iter().any(|step| !matches!(step.start, StepStart::Done(_)))
            }
            Work::Restore(work) => {
                matches!(work.sources.first(), Some(ClipSource::Provider { .. }))
            }
        })
}

/// Takes paid work out of a plan; true where there was any.
fn leave_out_paid(planned: &mut Planned, meant: &BTreeSet<AttemptId>) -> bool {
    let mut found = false;
    for scene in &mut planned.plan.scenes {
        found |= scene.leave_out(|work| pays(work, meant));
    }
    found
}
