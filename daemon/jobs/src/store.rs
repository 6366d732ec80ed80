//! The database: every statement that is sent to SQLite.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::error::JobsError;
use crate::hash::Hash;
use crate::job::{Event, Failure, Filter, Happened, Job, JobId, Priority, State, Summary};

/// The schema's version, in SQLite's `user_version`.
const VERSION: i64 = 1;

// AUTOINCREMENT: the number of a job that was pruned is never given again.
const SCHEMA: &str = "
CREATE TABLE jobs (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    method    TEXT NOT NULL,
    client    TEXT NOT NULL,
    title     TEXT NOT NULL,
    priority  INTEGER NOT NULL,
    state     TEXT NOT NULL,
    key       TEXT UNIQUE,
    asked     TEXT NOT NULL,
    request   BLOB NOT NULL,
    result    BLOB,
    failure   TEXT,
    created   REAL NOT NULL,
    started   REAL,
    ended     REAL
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE TABLE events (
    job       INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    seq       INTEGER NOT NULL,
    happened  TEXT NOT NULL,
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE job_blobs (
    job       INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    hash      TEXT NOT NULL,
    PRIMARY KEY (job, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_blobs_by_hash ON job_blobs (hash);
";

const SUMMARY: &str = "id, method, client, title, priority, state, key, created, started, ended";

/// What a new row says.
pub struct NewJob<'a> {
    pub method: &'a str,
    pub client: &'a str,
    pub title: &'a str,
    pub priority: Priority,
    pub key: Option<&'a str>,
    /// The hash of the request as it was sent.
    pub asked: Hash,
    pub request: &'a [u8],
    pub blobs: &'a [Hash],
}

/// A job that waits.
pub struct Queued {
    pub id: JobId,
    pub client: String,
    pub priority: Priority,
}

/// The open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
}

impl Store {
    /// Opens or makes the database.
    pub fn open(path: &Path) -> Result<Self, JobsError> {
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > VERSION {
            return Err(JobsError::Newer(path.to_owned()));
        }
        if version == 0 {
            let transaction = connection.transaction()?;
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
        }
        let store = Self { connection };
        store.sync_commits(true)?;
        Ok(store)
    }

    /// Whether a commit waits until it is on the disk. Without, it survives the
    /// end of this process and may be lost with the power.
    fn sync_commits(&self, wait: bool) -> Result<(), JobsError> {
        let level = if wait { "FULL" } else { "NORMAL" };
        self.connection.pragma_update(None, "synchronous", level)?;
        Ok(())
    }

    /// Lets the database grow to so many pages: a disk that fills up.
    #[cfg(test)]
    pub fn limit_pages(&self, pages: u32) {
        self.connection
            .pragma_update(None, "max_page_count", pages)
            .expect("a limit");
    }

    /// Adds a job and its first event.
    pub fn add(&mut self, job: &NewJob<'_>, ahead: u64) -> Result<(JobId, Event), JobsError> {
        let transaction = self.connection.transaction()?;
        transaction
            .prepare_cached(
                "INSERT INTO jobs (method, client, title, priority, state, key, asked, request, created)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                job.method,
                job.client,
                job.title,
                job.priority as i64,
                State::Queued.name(),
                job.key,
                job.asked.to_string(),
                job.request,
                now(),
            ])?;
        let id = JobId(transaction.last_insert_rowid());
        for hash in job.blobs {
            add_blob(&transaction, id, *hash)?;
        }
        let event = add_event(&transaction, id, Happened::Queued { ahead })?;
        transaction.commit()?;
        Ok((id, event))
    }

    /// The job that has the key, its state, and the hash of what it asks for.
    pub fn with_key(&self, key: &str) -> Result<Option<(JobId, State, String)>, JobsError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, state, asked FROM jobs WHERE key = ?1")?;
        let found = statement
            .query_row([key], |row| {
                Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?))
            })
            .optional()?;
        found
            .map(|(id, name, asked)| Ok((JobId(id), state(&name)?, asked)))
            .transpose()
    }

    /// Adds an event to a job that has not ended. Not waited for on the disk:
    /// progress that the power took was not made.
    pub fn note(&mut self, id: JobId, happened: Happened) -> Result<Event, JobsError> {
        self.sync_commits(false)?;
        let noted = (|| {
            let transaction = self.connection.transaction()?;
            match &happened {
                Happened::Started { .. } => {
                    transaction.execute(
                        "UPDATE jobs SET state = ?2, started = ?3 WHERE id = ?1",
                        params![id.0, State::Running.name(), now()],
                    )?;
                }
                Happened::Queued { .. } => {
                    transaction.execute(
                        "UPDATE jobs SET state = ?2, started = NULL WHERE id = ?1",
                        params![id.0, State::Queued.name()],
                    )?;
                }
                _ => {}
            }
            let event = add_event(&transaction, id, happened)?;
            transaction.commit()?;
            Ok(event)
        })();
        self.sync_commits(true)?;
        noted
    }

    /// Ends a job: the row, its blobs and its last event in one transaction.
    pub fn end(
        &mut self,
        id: JobId,
        state: State,
        result: Option<&[u8]>,
        blobs: &[Hash],
        failure: Option<Failure>,
    ) -> Result<Event, JobsError> {
        let transaction = self.connection.transaction()?;
        let text = failure
            .as_ref()
            .map(serde_json::to_string)
            .transpose()
            .map_err(unknown)?;
        transaction.execute(
            "UPDATE jobs SET state = ?2, result = ?3, failure = ?4, ended = ?5 WHERE id = ?1",
            params![id.0, state.name(), result, text, now()],
        )?;
        for hash in blobs {
            add_blob(&transaction, id, *hash)?;
        }
        let event = add_event(&transaction, id, Happened::Ended { state, failure })?;
        transaction.commit()?;
        Ok(event)
    }

    /// What has not ended, in the order in which it came: after a restart that
    /// is what waits.
    pub fn unfinished(&self) -> Result<Vec<(Queued, State)>, JobsError> {
        let mut statement = self.connection.prepare(
            "SELECT id, client, priority, state FROM jobs
             WHERE state IN ('queued', 'running') ORDER BY id",
        )?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push((
                Queued {
                    id: JobId(row.get(0)?),
                    client: row.get(1)?,
                    priority: priority(row.get(2)?)?,
                },
                state(&row.get::<_, String>(3)?)?,
            ));
        }
        Ok(found)
    }

    /// What the job is to do: method, request.
    pub fn work(&self, id: JobId) -> Result<(String, Vec<u8>), JobsError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT method, request FROM jobs WHERE id = ?1")?;
        statement
            .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .ok_or_else(|| JobsError::Unknown(id.to_string()))
    }

    /// A job's blobs.
    pub fn blobs_of(&self, id: JobId) -> Result<Vec<Hash>, JobsError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT hash FROM job_blobs WHERE job = ?1")?;
        let hashes = statement.query_map([id.0], |row| row.get::<_, String>(0))?;
        hashes.map(|hash| hash_of(&hash?)).collect()
    }

    /// Everything about a job.
    pub fn job(&self, id: JobId) -> Result<Job, JobsError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {SUMMARY}, request, result, failure,
                    (SELECT coalesce(max(seq), 0) FROM events WHERE job = jobs.id)
             FROM jobs WHERE id = ?1"
        ))?;
        let mut rows = statement.query([id.0])?;
        let row = rows
            .next()?
            .ok_or_else(|| JobsError::Unknown(id.to_string()))?;
        let failure: Option<String> = row.get(12)?;
        Ok(Job {
            summary: summary(row)?,
            request: row.get(10)?,
            result: row.get(11)?,
            failure: failure
                .map(|text| serde_json::from_str(&text).map_err(unknown))
                .transpose()?,
            last_seq: row.get::<_, i64>(13)?.unsigned_abs(),
        })
    }

    /// A job's state.
    pub fn state(&self, id: JobId) -> Result<State, JobsError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT state FROM jobs WHERE id = ?1")?;
        let name: Option<String> = statement.query_row([id.0], |row| row.get(0)).optional()?;
        state(&name.ok_or_else(|| JobsError::Unknown(id.to_string()))?)
    }

    /// Jobs, newest first; and whether there are more.
    pub fn list(&self, filter: &Filter) -> Result<(Vec<Summary>, bool), JobsError> {
        let mut sql = format!("SELECT {SUMMARY} FROM jobs WHERE 1");
        let mut values: Vec<Value> = Vec::new();
        if !filter.states.is_empty() {
            let marks = vec!["?"; filter.states.len()].join(", ");
            sql.push_str(&format!(" AND state IN ({marks})"));
            values.extend(
                filter
                    .states
                    .iter()
                    .map(|state| Value::from(state.name().to_owned())),
            );
        }
        if let Some(before) = filter.before {
            sql.push_str(" AND id < ?");
            values.push(Value::from(before.0));
        }
        sql.push_str(" ORDER BY id DESC LIMIT ?");
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX - 1);
        values.push(Value::from(limit + 1));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            if found.len() as u64 == filter.limit {
                return Ok((found, true));
            }
            found.push(summary(row)?);
        }
        Ok((found, false))
    }

    /// A job's events after `after`, oldest first, at most `limit`.
    pub fn events(&self, id: JobId, after: u64, limit: u64) -> Result<Vec<Event>, JobsError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, happened FROM events WHERE job = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
        )?;
        let bounded = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![id.0, bounded(after), bounded(limit)])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let text: String = row.get(1)?;
            found.push(Event {
                job: id,
                seq: row.get::<_, i64>(0)?.unsigned_abs(),
                happened: serde_json::from_str(&text).map_err(unknown)?,
            });
        }
        Ok(found)
    }

    /// Removes ended jobs: those that ended before `before` (seconds since
    /// 1970), and all but the `keep` newest. Gives how many.
    pub fn prune(&mut self, before: Option<f64>, keep: Option<u64>) -> Result<u64, JobsError> {
        let ended = "state IN ('done', 'failed', 'cancelled')";
        let transaction = self.connection.transaction()?;
        let mut removed = 0;
        if let Some(before) = before {
            let sql = format!("DELETE FROM jobs WHERE {ended} AND ended < ?1");
            removed += transaction.execute(&sql, [before])?;
        }
        if let Some(keep) = keep {
            let sql = format!(
                "DELETE FROM jobs WHERE {ended} AND id NOT IN
                 (SELECT id FROM jobs WHERE {ended} ORDER BY id DESC LIMIT ?1)"
            );
            removed += transaction.execute(&sql, [i64::try_from(keep).unwrap_or(i64::MAX)])?;
        }
        transaction.commit()?;
        Ok(removed as u64)
    }

    /// The blobs that jobs name: of unfinished ones alone, or of all.
    pub fn named_blobs(&self, unfinished: bool) -> Result<Vec<Hash>, JobsError> {
        let sql = if unfinished {
            "SELECT DISTINCT hash FROM job_blobs JOIN jobs ON jobs.id = job_blobs.job
             WHERE state IN ('queued', 'running')"
        } else {
            "SELECT DISTINCT hash FROM job_blobs"
        };
        let mut statement = self.connection.prepare(sql)?;
        let hashes = statement.query_map([], |row| row.get::<_, String>(0))?;
        hashes.map(|hash| hash_of(&hash?)).collect()
    }
}

fn add_blob(connection: &Connection, id: JobId, hash: Hash) -> Result<(), JobsError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO job_blobs (job, hash) VALUES (?1, ?2)")?
        .execute(params![id.0, hash.to_string()])?;
    Ok(())
}

fn add_event(connection: &Connection, id: JobId, happened: Happened) -> Result<Event, JobsError> {
    let text = serde_json::to_string(&happened).map_err(unknown)?;
    let seq: i64 = connection
        .prepare_cached(
            "INSERT INTO events (job, seq, happened)
             VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE job = ?1), ?2)
             RETURNING seq",
        )?
        .query_row(params![id.0, text], |row| row.get(0))?;
    Ok(Event {
        job: id,
        seq: seq.unsigned_abs(),
        happened,
    })
}

fn summary(row: &Row<'_>) -> Result<Summary, JobsError> {
    Ok(Summary {
        id: JobId(row.get(0)?),
        method: row.get(1)?,
        client: row.get(2)?,
        title: row.get(3)?,
        priority: priority(row.get(4)?)?,
        state: state(&row.get::<_, String>(5)?)?,
        key: row.get(6)?,
        created: row.get(7)?,
        started: row.get(8)?,
        ended: row.get(9)?,
    })
}

fn priority(number: i64) -> Result<Priority, JobsError> {
    usize::try_from(number)
        .ok()
        .and_then(|number| Priority::ALL.get(number).copied())
        .ok_or_else(|| JobsError::Content(format!("priority {number}")))
}

fn state(name: &str) -> Result<State, JobsError> {
    State::named(name).ok_or_else(|| JobsError::Content(format!("state {name:?}")))
}

fn hash_of(text: &str) -> Result<Hash, JobsError> {
    text.parse()
        .map_err(|_| JobsError::Content(format!("hash {text:?}")))
}

fn unknown(error: serde_json::Error) -> JobsError {
    JobsError::Content(error.to_string())
}

/// Seconds since 1970.
pub fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
