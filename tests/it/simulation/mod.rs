//! Whole runs in a seeded world: a provider that misbehaves, processes that die between any two operations and at any
//! await, and a judge who reads the provider's bill afterwards.
//!
//! `STORYREEL_SEED=7 cargo test --test it simulation` runs one seed alone and tells what happened;
//! `STORYREEL_SEEDS=1000000` runs that many, `STORYREEL_FIRST_SEED` says from where on.

mod faults;
mod film;
mod judge;
mod machine;

pub(crate) use film::{Kind, Scene, plan};

use crate::support::Dice;
use judge::judge;
use machine::{Death, Machine};
use serde_json::json;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;
use storyreel::emulator::faults::Script;
use storyreel::engine::event::Summary;
use storyreel::ledger::TakeState;
use storyreel::simulation::files::SimulatedCrash;

/// Seeds of every test run; `just simulate` runs as many as one likes.
const SEEDS: u64 = 2_000;

/// Lives without trouble after which everything must be done that can be.
const LAST_LIVES: u32 = 6;

/// Runs one seed to its end and judges it.
fn simulate(seed: u64, aloud: bool) -> Machine {
    let mut machine = Machine::new(seed, aloud);
    tell_when_it_fails(&mut machine, |machine| {
        for _ in 0..machine.dice.below(12) {
            let death = match machine.dice.below(4) {
                0 => Death::AtAwait(machine.dice.below(120)),
                _ => Death::AtOperation(machine.dice.below(200)),
            };
            machine.process(death, false);
            machine.meanwhile();
        }
        finish(machine);
    });
    machine
}

/// Lets the film be finished in peace, and judges.
fn finish(machine: &mut Machine) {
    let mut last = Summary::default();
    for round in 0..LAST_LIVES {
        last = machine.process(Death::Natural, round > 1).expect("nothing kills this process");
        machine.note(|| format!("{last:?}"));
        machine.clock.pass(Duration::from_secs(30));
    }
    judge(machine, &last);
}

fn tell_when_it_fails(machine: &mut Machine, act: impl FnOnce(&mut Machine)) {
    let outcome = catch_unwind(AssertUnwindSafe(|| act(machine)));
    if let Err(panic) = outcome {
        if machine.aloud {
            for create in &machine.bill().creates {
                println!(
                    "{:>9} {} {:?} {} {} {:?} lost {} {:?}",
                    create.time_ms - 1_790_000_000_000,
                    create.body["prompt"],
                    create.task_id,
                    create.code,
                    create.message,
                    create.state,
                    create.answer_lost,
                    create.faults
                );
            }
            println!("{}", machine.log.join("\n"));
        }
        resume_unwind(panic);
    }
}

fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<SimulatedCrash>() {
                usual(info);
            }
        }));
    });
}

/// A whole number that the environment gives.
pub(crate) fn number_from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

/// So many numbers may fail before the rest is not tried any more: one cause may have many.
const MOST_FAILURES: usize = 20;

/// Runs `act` for each number of a range on all processors, and fails with the numbers that fail.
pub(crate) fn in_parallel(range: std::ops::Range<u64>, act: impl Fn(u64) -> u64 + Sync) -> u64 {
    let next = AtomicU64::new(range.start);
    let sum = AtomicU64::new(0);
    let failed = Mutex::new(BTreeSet::new());
    let failures = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= range.end || failures().len() >= MOST_FAILURES {
                return;
            }
            match catch_unwind(AssertUnwindSafe(|| act(number))) {
                Ok(count) => {
                    sum.fetch_add(count, Ordering::Relaxed);
                }
                Err(_) => {
                    eprintln!("number {number} failed");
                    failures().insert(number);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    assert!(failures().is_empty(), "failed: {:?}", failures());
    sum.into_inner()
}

fn published(machine: &mut Machine) -> u64 {
    let takes = machine.takes();
    takes.iter().filter(|take| take.state == TakeState::Published).count() as u64
}

#[test]
fn nothing_is_paid_twice_and_nothing_is_lost_whenever_a_process_dies() {
    quiet_panics();
    if let Some(seed) = number_from_environment("STORYREEL_SEED") {
        let machine = simulate(seed, true);
        println!("{}", machine.log.join("\n"));
        return;
    }
    let first = number_from_environment("STORYREEL_FIRST_SEED").unwrap_or(0);
    let seeds = number_from_environment("STORYREEL_SEEDS").unwrap_or(SEEDS);
    let clips = in_parallel(first..first + seeds, |seed| published(&mut simulate(seed, false)));
    println!("{seeds} worlds from seed {first} on, {clips} clips published, 0 violations");
    // A world in which nothing ever works would prove nothing.
    assert!(clips >= seeds, "only {clips} clips in {seeds} worlds");
}

/// A film with every kind of step, in a world with these rules.
fn one_of_each(rules: &serde_json::Value, aloud: bool) -> Machine {
    let steps = [
        vec![Kind::GenerateFromPicture, Kind::Extend, Kind::Restyle],
        vec![Kind::Generate, Kind::FullHd],
        vec![Kind::Generate, Kind::FourK],
    ];
    let film = steps.into_iter().zip(1..).map(|(steps, number)| Scene {
        number,
        version: 1,
        steps,
        after: if number == 3 { vec!["1".to_owned()] } else { Vec::new() },
        takes: 1,
    });
    let script = Script::parse(&json!({ "rules": rules }).to_string(), "json").expect("good rules");
    let mut machine = Machine::with(1, Dice(1), script, film.collect(), aloud);
    machine.policy.max_credits = None;
    machine.policy.running = 100;
    machine.policy.failed_tasks = 2;
    machine
}

/// Kills a process at `death`, its successor `then` operations later, and lets the next ones finish. False when the
/// first one ended before.
fn dies_twice(rules: &serde_json::Value, death: Death, then: u64) -> bool {
    let mut machine = one_of_each(rules, false);
    let died = machine.process_in_peace(death).is_none();
    machine.process_in_peace(Death::AtOperation(then));
    machine.the_user_decides();
    finish(&mut machine);
    died
}

#[test]
fn a_process_may_die_at_each_operation_and_at_each_await() {
    quiet_panics();
    let calm = json!([]);
    let lossy = json!([
        {"match": {"operation": "create", "calls": [2, 5]}, "do": {"fault": "drop_after"}},
        {"match": {"operation": "create", "calls": [3]}, "do": {"fault": "code", "code": 429, "msg": "slow down"}},
        {"match": {"operation": "file", "calls": [1]}, "do": {"fault": "cut_body"}},
        {"match": {"operation": "file", "calls": [3]}, "do": {"fault": "gone", "status": 404}},
        {"match": {"operation": "create", "calls": [1]}, "do": {"fault": "fail", "code": 500, "message": "internal error, please try again later"}}
    ]);
    for rules in [&calm, &lossy] {
        let mut whole = one_of_each(rules, false);
        whole.process_in_peace(Death::Natural);
        let places = [
            (whole.switch.count(), Death::AtOperation as fn(u64) -> Death),
            (whole.clock.awaits(), Death::AtAwait),
        ];
        for (count, death) in places {
            let died = in_parallel(0..count, |place| {
                u64::from(dies_twice(rules, death(place), place * 7 % 90))
            });
            println!("{died} places to die at");
            assert_eq!(died, count, "each of them is a death");
            assert!(count >= 30, "only {count} places to die at");
        }
    }
}
