//! Recorded asks in the words of today. They are compared with many scenes and in every pass of a plan, and made once.

use super::ask::Ask;
use super::build::{Builder, Built};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Those that a builder has made.
pub(super) type Pasts = Mutex<HashMap<Json, Option<Arc<Past>>>>;

/// What a recorded ask asks for in the words of today.
pub(super) struct Past {
    /// The ask.
    pub ask: Ask,
    /// Its requests; `None` where it cannot be asked for any more.
    pub built: Option<Built>,
    identity: OnceLock<Option<String>>,
}

impl Past {
    /// The identity of its requests.
    pub fn identity(&self) -> Option<&str> {
        let identity = || self.built.as_ref().map(Built::identity);
        self.identity.get_or_init(identity).as_deref()
    }
}

impl Builder<'_> {
    /// A recorded ask in the words of today; `None` where it is no ask.
    pub fn past(&self, recorded: &Json) -> Option<Arc<Past>> {
        // What a panic of another thread left behind is whole: entries are only ever added.
        let mut pasts = self.pasts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = pasts.get(recorded) {
            return known.clone();
        }
        let past = Ask::from_json(recorded).map(|ask| Arc::new(self.past_of(ask)));
        pasts.insert(recorded.clone(), past.clone());
        past
    }

    fn past_of(&self, ask: Ask) -> Past {
        Past { built: self.build(&ask).ok(), ask, identity: OnceLock::new() }
    }

    /// A recorded ask as it is compared with the present one, of which so many takes are wanted.
    pub fn past_beside(&self, recorded: &Json, present: &Ask, takes: i64) -> Option<Arc<Past>> {
        let past = self.past(recorded)?;
        let ask = past.ask.clone().completed_from(present).as_first_take(present, takes);
        Some(if ask == past.ask { past } else { Arc::new(self.past_of(ask)) })
    }
}

impl Built {
    /// Equal for chains of equal requests.
    pub(super) fn identity(&self) -> String {
        let steps: Vec<String> = self.steps.iter().map(|step| step.request.fingerprint()).collect();
        steps.join(" ")
    }
}
