//! The table of the market's models: what the fact sheet knows, and what a user adds to it.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use super::market_rows::Row;

static BUILT_IN: LazyLock<Arc<Vec<Row>>> = LazyLock::new(|| {
    // A table that cannot be read knows no model, and every test of the market fails.
    Arc::new(serde_json::from_str(include_str!("market-models.json")).unwrap_or_default())
});

/// The models that the market has. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Market {
    known: Arc<Vec<Row>>,
    /// Rows that go before those with the same id.
    own: Arc<Vec<Row>>,
}

impl Default for Market {
    fn default() -> Self {
        Self { known: Arc::clone(&BUILT_IN), own: Arc::default() }
    }
}

impl Market {
    /// The market with more models: a JSON list of rows as in `src/emulator/market-models.json`. A row with the id of a
    /// known model takes its place; `"retired": true` takes a model away.
    ///
    /// # Errors
    ///
    /// The JSON reader's words, with the place.
    pub fn with(self, rows: &str) -> Result<Self, String> {
        let own: Vec<Row> = serde_json::from_str(rows).map_err(|error| error.to_string())?;
        let mut ids = BTreeSet::new();
        for row in &own {
            if row.id.is_empty() || !ids.insert(&row.id) {
                return Err(format!("the id `{}` is empty or stands there twice", row.id));
            }
        }
        Ok(Self { known: self.known, own: Arc::new(own) })
    }

    /// The row of a model.
    pub(super) fn row(&self, id: &str) -> Option<&Row> {
        self.own.iter().chain(self.known.iter()).find(|row| row.id == id)
    }

    /// All rows: the known ones in their order, then the new ones.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        let own = |id: &str| self.own.iter().find(|row| row.id == id);
        let known = self.known.iter().map(move |row| own(&row.id).unwrap_or(row));
        let new = self.own.iter().filter(|row| self.known.iter().all(|known| known.id != row.id));
        known.chain(new)
    }
}
