//! Which of the waiting jobs is next.

use std::collections::HashMap;

use crate::job::{JobId, Priority};
use crate::store::Queued;

/// Turns that are remembered; those of clients that do not wait go first.
const MOST_TURNS: usize = 1000;

/// The jobs that wait. The most urgent class goes first; within a class the
/// clients take turns; a client's own jobs go in the order in which they came.
#[derive(Default)]
pub struct Schedule {
    waiting: Vec<Queued>,
    /// When each client had its last turn. Those that never had one go first.
    turns: HashMap<String, u64>,
    taken: u64,
}

impl Schedule {
    pub fn add(&mut self, job: Queued) {
        self.waiting.push(job);
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many wait of each class.
    pub fn counts(&self) -> [u64; 3] {
        let mut counts = [0; 3];
        for job in &self.waiting {
            counts[job.priority as usize] += 1;
        }
        counts
    }

    /// How many of them are at least as urgent.
    pub fn ahead_of(&self, priority: Priority) -> u64 {
        let ahead = self.waiting.iter().filter(|job| job.priority <= priority);
        ahead.count() as u64
    }

    /// The class of the most urgent one.
    pub fn most_urgent(&self) -> Option<Priority> {
        self.waiting.iter().map(|job| job.priority).min()
    }

    /// Takes the next one.
    pub fn next(&mut self) -> Option<Queued> {
        let turn = |job: &Queued| self.turns.get(&job.client).copied().unwrap_or(0);
        let order = |job: &Queued| (job.priority, turn(job), job.id);
        let (at, _) = self
            .waiting
            .iter()
            .enumerate()
            .min_by_key(|(_, job)| order(job))?;
        let job = self.waiting.remove(at);
        self.taken += 1;
        self.turns.insert(job.client.clone(), self.taken);
        if self.turns.len() > MOST_TURNS {
            let waiting = &self.waiting;
            self.turns
                .retain(|client, _| waiting.iter().any(|job| job.client == *client));
        }
        Some(job)
    }

    /// Takes that one out; says whether it waited.
    pub fn remove(&mut self, id: JobId) -> bool {
        match self.waiting.iter().position(|job| job.id == id) {
            Some(at) => {
                self.waiting.remove(at);
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(jobs: &[(&str, Priority)]) -> Vec<i64> {
        let mut schedule = Schedule::default();
        for (number, (client, priority)) in jobs.iter().enumerate() {
            schedule.add(Queued {
                id: JobId(number as i64),
                client: (*client).to_owned(),
                priority: *priority,
            });
        }
        std::iter::from_fn(|| schedule.next())
            .map(|job| job.id.0)
            .collect()
    }

    #[test]
    fn urgent_ones_go_first_and_otherwise_the_oldest() {
        use Priority::{Batch, Interactive, Training};

        let jobs = [
            ("a", Training),
            ("a", Batch),
            ("a", Interactive),
            ("a", Batch),
            ("a", Interactive),
        ];
        assert_eq!(order(&jobs), [2, 4, 1, 3, 0]);
    }

    #[test]
    fn clients_take_turns() {
        let batch = |client| (client, Priority::Batch);
        let jobs = [
            batch("board"),
            batch("board"),
            batch("board"),
            batch("script"),
            batch("script"),
            batch("other"),
        ];
        assert_eq!(order(&jobs), [0, 3, 5, 1, 4, 2]);
    }

    #[test]
    fn a_client_that_just_had_its_turn_lets_a_new_one_go_first() {
        let mut schedule = Schedule::default();
        let job = |id, client: &str| Queued {
            id: JobId(id),
            client: client.to_owned(),
            priority: Priority::Interactive,
        };
        schedule.add(job(1, "a"));
        assert_eq!(schedule.next().map(|job| job.id.0), Some(1));
        schedule.add(job(2, "a"));
        schedule.add(job(3, "b"));
        assert_eq!(schedule.next().map(|job| job.id.0), Some(3));
        assert!(schedule.remove(JobId(2)));
        assert!(!schedule.remove(JobId(2)));
        assert!(schedule.next().is_none());
    }
}
