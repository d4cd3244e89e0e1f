//! The free questions that commands other than `render` ask the provider: the balance, and how a task stands.

use super::failure::Failure;
use super::workspace::Workspace;
use crate::remote::driver::{Driver, Timeouts};
use crate::remote::http::{Hosts, HttpTransport};
use crate::remote::outcome::{Look, Trouble};
use secrecy::SecretString;
use std::time::Duration;

/// Somebody waits at the terminal for these answers.
const PATIENCE: Duration = Duration::from_secs(15);

/// The provider as the settings name it. Without a key nothing can be asked.
pub(super) fn transport(workspace: &Workspace) -> Result<HttpTransport, Failure> {
    let provider = &workspace.settings.provider;
    let hosts = Hosts::parse(&provider.api, &provider.upload)
        .map_err(|message| Failure::invalid("invalid-environment", message))?;
    let key = provider.key.clone().unwrap_or_else(|| SecretString::from(String::new()));
    Ok(HttpTransport::new(hosts, key))
}

/// A way to ask a few questions, one after the other.
pub(super) struct Online<'w> {
    workspace: &'w Workspace,
    transport: HttpTransport,
    runtime: tokio::runtime::Runtime,
}

impl<'w> Online<'w> {
    /// Opens nothing yet.
    pub fn new(workspace: &'w Workspace) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::cannot_work("runtime", format!("cannot start: {error}")))?;
        Ok(Self { workspace, transport: transport(workspace)?, runtime })
    }

    fn driver(&self) -> Driver<'_> {
        let provider = &self.workspace.settings.provider;
        let timeouts = Timeouts { create: PATIENCE, read: PATIENCE, transfer: PATIENCE };
        Driver::new(
            &self.transport,
            &self.workspace.catalog,
            &provider.api,
            &provider.upload,
            timeouts,
        )
    }

    /// What the account holds.
    pub fn balance(&self, provider: &str) -> Result<f64, Trouble> {
        self.runtime.block_on(self.driver().balance(provider))
    }

    /// How a task stands.
    pub fn look(&self, provider: &str, family: &str, operation: &str, task_id: &str) -> Look {
        self.runtime.block_on(self.driver().read(provider, family, operation, task_id))
    }
}

impl Drop for Online<'_> {
    fn drop(&mut self) {
        // A look-up of a name that hangs must not keep the command from ending.
        let idle = tokio::runtime::Builder::new_current_thread().build();
        if let Ok(idle) = idle {
            std::mem::replace(&mut self.runtime, idle).shutdown_background();
        }
    }
}
