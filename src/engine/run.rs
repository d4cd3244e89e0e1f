//! The way into a run: what it is given, and how that becomes jobs.

use super::budget::Budget;
use super::claims::KnownClaims;
use super::dispatcher::Dispatcher;
use super::event::{Stamped, Summary};
use super::executor::Executor;
use super::intake::Intake;
use super::job::{Job, Stage};
use super::policy::Policy;
use super::purse::Purse;
use super::restore::Restore;
use super::window::Window;
use crate::catalog::Catalog;
use crate::layout::Layout;
use crate::ledger::{Attempt, AttemptState, Ledger, LedgerError, Take};
use crate::plan::{FilesByDigest, RenderWork, Request, StepStart, StepWork, Work};
use crate::ports::{Clock, Files, SharedCache, Transport};
use crate::remote::backoff::Backoff;
use crate::remote::driver::{Driver, Timeouts};
use crate::remote::echo::Essence;
use crate::storyboard::SceneId;
use futures::stream::FuturesUnordered;
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

/// The world as a run sees it.
pub struct World<'w> {
    /// Time and chance.
    pub clock: &'w dyn Clock,
    /// HTTP.
    pub transport: &'w dyn Transport,
    /// The durable record.
    pub ledger: &'w mut dyn Ledger,
    /// Files of the project.
    pub files: &'w dyn Files,
    /// The submission window.
    pub window: &'w mut dyn Window,
    /// What the user's runs spend in a day.
    pub purse: &'w mut dyn Purse,
    /// What this machine shares with others, if anything.
    pub shared: Option<&'w dyn SharedCache>,
}

/// What a run is asked to do.
pub struct Order<'w> {
    /// The catalogue.
    pub catalog: &'w Catalog,
    /// The base of the provider's API.
    pub api_base: &'w str,
    /// The base of the provider's upload host.
    pub upload_base: &'w str,
    /// Where the project's files lie.
    pub layout: &'w Layout,
    /// The rules of the run.
    pub policy: &'w Policy,
    /// The plan's work, in the order of the plan.
    pub work: Vec<Work>,
    /// Open takes that no work refers to: their tasks are collected and kept, never published.
    pub collect: Vec<Take>,
    /// Local files that requests name, by digest.
    pub files: FilesByDigest,
    /// Tasks that the manifest names: what they made is known, and other machines need not be asked for it.
    pub tasks: BTreeSet<String>,
    /// Counts that are known before the run: the plan's actions, and scenes that the plan has blocked.
    pub summary: Summary,
}

/// Runs the order to its end and returns the summary, which is also the last event.
///
/// `stop` resolves when the user interrupts. The caller holds the project lock, has let the ledger and the
/// publications recover, and made the plan after that.
///
/// # Errors
/// Only when the ledger cannot be read at the beginning; nothing was sent then. Whatever goes wrong later is an event
/// and part of the summary.
pub async fn run(
    world: World<'_>,
    order: Order<'_>,
    emit: impl FnMut(Stamped),
    stop: impl Future<Output = ()>,
) -> Result<Summary, LedgerError> {
    let World { clock, transport, ledger, files, window, purse, shared } = world;
    let snapshot = ledger.snapshot()?;
    let attempts: BTreeMap<_, Attempt> = snapshot
        .takes
        .iter()
        .flat_map(|take| &take.attempts)
        .map(|attempt| (attempt.id, attempt.clone()))
        .collect();
    let reused: BTreeMap<_, BTreeSet<usize>> = snapshot
        .takes
        .iter()
        .map(|take| (take.id, take.reused.iter().map(|(step, ..)| *step).collect()))
        .collect();
    let mut jobs = Vec::new();
    let mut restores = Vec::new();
    for work in order.work {
        match work {
            Work::Render(work) => {
                let reused =
                    work.open_take.and_then(|take| reused.get(&take).cloned()).unwrap_or_default();
                jobs.push(Job::of_render(work, reused));
            }
            Work::Restore(work) => restores.push(Restore::new(work)),
        }
    }
    jobs.extend(order.collect.into_iter().map(Job::of_stale));
    let policy = order.policy;
    let timeouts = Timeouts {
        create: policy.create_timeout,
        read: policy.read_timeout,
        transfer: policy.transfer_timeout,
    };
    let executor = Executor {
        clock,
        transport,
        driver: Driver::new(transport, order.catalog, order.api_base, order.upload_base, timeouts),
        intake: Intake { files, layout: order.layout, max_clip: policy.max_clip },
        shared,
        transfer_timeout: policy.transfer_timeout,
    };
    let dispatcher = Dispatcher {
        executor: &executor,
        ledger,
        window,
        purse,
        layout: order.layout,
        policy,
        files: order.files,
        emit,
        jobs,
        restores,
        tasks: attempts.values().filter_map(|attempt| attempt.task_id.clone()).collect(),
        sent: attempts
            .values()
            .filter(|attempt| !attempt.intent.upgrade)
            .map(|attempt| (attempt.id, Essence::of(&attempt.intent.bound)))
            .collect(),
        attempts,
        // Nobody else asks for them.
        claims: shared
            .map(|_| KnownClaims::new(snapshot.takes.iter(), order.tasks))
            .unwrap_or_default(),
        told_of_cache: false,
        budget: Budget::new(policy.max_credits),
        summary: order.summary,
        posts: FuturesUnordered::new(),
        others: FuturesUnordered::new(),
        uploading: BTreeSet::new(),
        upload_troubles: BTreeMap::new(),
        paused_until_ms: 0,
        window_until_ms: 0,
        apart_until_ms: 0,
        balance_until_ms: 0,
        balances: BTreeMap::new(),
        closing_until_ms: None,
        halt: None,
        leaving: None,
        started_ms: clock.now_ms(),
    };
    Ok(dispatcher.run(stop).await)
}

impl Job {
    fn of_render(work: RenderWork, reused: BTreeSet<usize>) -> Self {
        Self {
            scene_id: work.entry.scene_id.clone(),
            slot: work.slot,
            take: work.open_take,
            number: work.take,
            ask: work.ask,
            steps: work.steps,
            entry: Some(work.entry),
            after: work.after,
            awaits: work.awaits,
            beside: work.beside,
            voice_within: work.voice_within,
            reused,
            ..Self::empty()
        }
    }

    /// A take that nothing refers to: its one task in flight, if any, as a step of its own.
    fn of_stale(take: Take) -> Self {
        // An unknown submission keeps its take open until somebody decides.
        let keep = !take.attempts.iter().any(|attempt| {
            attempt.state == AttemptState::Unknown
                || (attempt.state == AttemptState::Intent && !attempt.intent.upgrade)
        });
        let in_flight = |attempt: &&Attempt| {
            matches!(attempt.state, AttemptState::Submitted | AttemptState::Finished)
        };
        // Calling an upgrade that was perhaps never called could pay for a clip that nobody wants any more.
        let forget = take
            .attempts
            .iter()
            .filter(|attempt| attempt.state == AttemptState::Intent && attempt.intent.upgrade)
            .map(|attempt| attempt.id)
            .collect();
        let steps = take.attempts.iter().filter(in_flight).map(step_of).collect();
        Self {
            scene_id: SceneId::parse(&take.slot.scene),
            slot: take.slot,
            take: Some(take.id),
            number: take.number,
            ask: take.ask.to_value(),
            steps,
            keep,
            forget,
            ..Self::empty()
        }
    }

    fn empty() -> Self {
        Self {
            scene_id: SceneId::Number(0),
            slot: crate::plan::Slot {
                storyboard: String::new(),
                variant: String::new(),
                scene: String::new(),
            },
            take: None,
            number: 0,
            ask: serde_json::Value::Null,
            steps: Vec::new(),
            entry: None,
            after: Vec::new(),
            awaits: Vec::new(),
            beside: false,
            voice_within: None,
            placed: None,
            reused: BTreeSet::new(),
            clips: Vec::new(),
            paid: Vec::new(),
            step: 0,
            stage: Stage::Waiting,
            failed_tasks: 0,
            refusals: Backoff::default(),
            current: None,
            not_before_ms: 0,
            keep: false,
            forget: Vec::new(),
            charged: 0.0,
            taken: false,
            note: None,
        }
    }
}

/// An attempt as the step that it was made for.
fn step_of(attempt: &Attempt) -> StepWork {
    let intent = &attempt.intent;
    let (method, path) = intent.endpoint.split_once(' ').unwrap_or(("POST", &intent.endpoint));
    StepWork {
        kind: intent.kind,
        model: intent.model_id.clone(),
        model_id: intent.model_id.clone(),
        provider: intent.provider.clone(),
        family: intent.family.clone(),
        operation: intent.operation.clone(),
        upgrade: intent.upgrade,
        request: Request {
            method: method.to_owned(),
            path: path.to_owned(),
            body: intent.request.to_value(),
        },
        parts: Map::new(),
        credits: intent.reserved,
        seconds: None,
        start: StepStart::Resume(attempt.id),
    }
}
