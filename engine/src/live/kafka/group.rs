//! The consumer group of a topic: membership, who reads which partition, committed offsets.
//!
//! A member reads nothing: its partitions are paused, and lines come from the readers. What it
//! does is to hold partitions, to give them back when they are flushed, and to commit with the
//! generation that it holds them by, so that one who lost them without noticing cannot commit
//! over the new owner. Before it joins it is the client of an idle group, whose offsets anybody
//! may set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, RwLock};
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::{ClientContext, Offset as KafkaOffset, TopicPartitionList};

use super::commits::{Commits, Position};
use super::config::{KafkaConfig, REQUEST_TIMEOUT};
use super::errors::{is_taken_over, log_error};
use super::health::{Ear, Link, Question};
use super::offsets::Offsets;
use crate::model::{CommittedOffset, Topic, TopicPartition};
use crate::ports::{Assignment, Clock, LogError};

/// How long a partition that is to be given back may take to be flushed. Then it goes anyway, and
/// whoever gets it reads again what was not committed.
pub(super) const RELEASE_WITHIN: Duration = Duration::from_secs(20);
/// How often the thread of a member looks whether it is to end.
const POLL: Duration = Duration::from_millis(100);

/// What a member holds.
#[derive(Debug, Default)]
struct Held {
    /// Grows with each change.
    epoch: u64,
    /// The last epoch that the consumer has caught up with; `None` before it reads anything.
    released: Option<u64>,
    /// Partitions to be read, each with the epoch in which it was given.
    owned: BTreeMap<u16, u64>,
    /// Partitions to be given back: still to be committed, and not read any more.
    leaving: BTreeSet<u16>,
    /// Committed offsets of owned partitions: nobody else may change them.
    committed: BTreeMap<u16, Option<CommittedOffset>>,
    /// Set while the member is in the group, or on its way into it.
    joined: bool,
    /// The member is leaving for good: nothing is waited for.
    ending: bool,
    /// Why it can never hold anything again.
    failed: Option<Code>,
    /// How often partitions were given or taken.
    rebalances: u64,
}

/// How partitions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// They are asked back, and may be flushed first.
    Asked,
    /// They are another member's already.
    Lost,
}

/// Shared by the member, its callbacks and the consumer.
struct Share {
    topic: Topic,
    name: String,
    topic_name: String,
    link: Arc<Link>,
    held: Mutex<Held>,
    changed: Condvar,
    offsets: Arc<Offsets>,
}

struct Callbacks {
    ear: Ear,
    share: Arc<Share>,
}

impl ClientContext for Callbacks {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        self.ear.log(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.ear.error(error, reason);
    }
}

impl ConsumerContext for Callbacks {
    fn pre_rebalance(&self, member: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            let how = if member.assignment_lost() {
                Taken::Lost
            } else {
                Taken::Asked
            };
            self.share.revoke(&numbers(list), how);
        }
    }

    fn post_rebalance(&self, member: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                if let Err(error) = member.pause(list) {
                    tracing::debug!(%error, "a partition could not be paused");
                }
                self.share.assign(&numbers(list));
            }
            Rebalance::Revoke(_) => {}
            Rebalance::Error(error) => tracing::warn!(%error, "a rebalance failed"),
        }
    }
}

fn numbers(list: &TopicPartitionList) -> Vec<u16> {
    let elements = list.elements();
    let numbers = elements.iter().map(|e| u16::try_from(e.partition()));
    numbers.filter_map(Result::ok).collect()
}

impl Share {
    fn assign(&self, partitions: &[u16]) {
        let mut held = self.held.lock();
        held.epoch += 1;
        held.rebalances += 1;
        let epoch = held.epoch;
        held.owned
            .extend(partitions.iter().map(|number| (*number, epoch)));
        for partition in partitions {
            held.committed.remove(partition);
        }
        tracing::info!(topic = %self.topic, epoch = held.epoch, owned = ?held.owned, "partitions given");
        drop(held);
        self.tell();
    }

    /// Takes partitions away. When they are not lost yet, waits until the consumer has flushed
    /// and committed what it read of them.
    fn revoke(&self, partitions: &[u16], how: Taken) {
        let deadline = Instant::now() + RELEASE_WITHIN;
        let mut held = self.held.lock();
        held.epoch += 1;
        held.rebalances += 1;
        let epoch = held.epoch;
        for partition in partitions {
            held.owned.remove(partition);
            held.committed.remove(partition);
            if how == Taken::Asked {
                held.leaving.insert(*partition);
            }
        }
        tracing::info!(topic = %self.topic, epoch, ?how, taken = ?partitions, owned = ?held.owned, "partitions taken");
        drop(held);
        self.tell();
        let mut held = self.held.lock();
        while how == Taken::Asked && !held.ending && held.released.is_some_and(|at| at < epoch) {
            if self.changed.wait_until(&mut held, deadline).timed_out() {
                tracing::warn!(topic = %self.topic, ?partitions, "partitions went before they were flushed; their new owner reads on from the last commit");
                break;
            }
        }
        for partition in partitions {
            held.leaving.remove(partition);
        }
    }

    /// Remembers what was found for a partition that this process owns.
    fn remember(&self, partition: u16, committed: Option<CommittedOffset>) {
        let mut held = self.held.lock();
        if held.owned.contains_key(&partition) {
            held.committed.insert(partition, committed);
        }
    }

    fn tried_to_commit(&self) -> String {
        format!("commit offsets of {}", self.name)
    }

    /// Commits positions, and waits for the answer for as long as librdkafka does.
    fn commit(
        &self,
        client: &BaseConsumer<Callbacks>,
        positions: &[Position],
    ) -> Result<(), LogError> {
        let tried = self.tried_to_commit();
        let told = |error| log_error(&self.link, &tried, &error);
        let (joined, not_held) = {
            let held = self.held.lock();
            let mut wanted = positions.iter().map(|(p, _, _)| *p);
            let holds = |p: &TopicPartition| {
                let number = p.partition.0;
                held.owned.contains_key(&number) || held.leaving.contains(&number)
            };
            (held.joined, wanted.find(|p| !holds(p)))
        };
        if let (true, Some(partition)) = (joined, not_held) {
            return Err(LogError::NotOwned(partition));
        }
        let mut list = TopicPartitionList::new();
        for (partition, at, of_record) in positions {
            let mut element =
                list.add_partition(&self.topic_name, i32::from(partition.partition.0));
            let at = i64::try_from(at.0).unwrap_or(i64::MAX);
            element.set_offset(KafkaOffset::Offset(at)).map_err(told)?;
            element.set_metadata(of_record);
        }
        match client.commit(&list, CommitMode::Sync) {
            Ok(()) => {}
            Err(error) => return Err(self.not_committed(&error, positions, joined, &tried)),
        }
        for (partition, at, _) in positions {
            self.remember(partition.partition.0, Some(*at));
        }
        Ok(())
    }

    fn not_committed(
        &self,
        error: &KafkaError,
        positions: &[Position],
        joined: bool,
        tried: &str,
    ) -> LogError {
        let taken_over = error.rdkafka_error_code().is_some_and(is_taken_over);
        match positions.first() {
            Some((partition, _, _)) if taken_over && joined => LogError::NotOwned(*partition),
            Some(_) if taken_over => LogError::Refused {
                what: format!(
                    "the offsets of {} cannot be set: other processes consume in that group",
                    self.name
                ),
                remedy: "end the consumers of that region in all processes, then try again",
            },
            Some(_) | None => log_error(&self.link, tried, error),
        }
    }

    fn tell(&self) {
        self.changed.notify_all();
        self.offsets.bell(self.topic).ring();
    }
}

/// A client of librdkafka and the thread that polls it. Dropped it leaves the group.
struct Member {
    /// Dropped first: a commit on its way keeps the client, and with it the place in the group.
    commits: Commits,
    client: Arc<BaseConsumer<Callbacks>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A member of the group of one topic, or the client of that group while it is idle.
pub(super) struct Group {
    share: Arc<Share>,
    config: KafkaConfig,
    clock: Arc<dyn Clock>,
    /// How asking where the group stands went: one broker answers for all its partitions.
    question: Mutex<Question>,
    /// Another one after it left: librdkafka goes on to name the generation that a member had, by
    /// which the brokers do not know it any more.
    member: RwLock<Arc<Member>>,
}

impl Member {
    /// One that has not joined.
    fn start(config: &KafkaConfig, share: &Arc<Share>) -> Result<Self, LogError> {
        let link = &share.link;
        let callbacks = Callbacks {
            ear: Ear::new(Arc::clone(link), "group"),
            share: Arc::clone(share),
        };
        let client = BaseConsumer::from_config_and_context(&config.member(share.topic), callbacks)
            .map_err(|error| log_error(link, "start a consumer", &error))?;
        let client = Arc::new(client);
        let ends = Arc::new(AtomicBool::new(false));
        let (polled, ended, state) = (Arc::clone(&client), Arc::clone(&ends), Arc::clone(share));
        let thread = super::spawn(&format!("kafka-group-{}", share.topic.name()), move || {
            while !ended.load(Ordering::Acquire) {
                match polled.poll(POLL) {
                    Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                        let mut held = state.held.lock();
                        held.failed = Some(code);
                        held.owned.clear();
                        held.epoch += 1;
                        drop(held);
                        state.tell();
                        // It says nothing else any more.
                        return;
                    }
                    Some(Err(error)) => tracing::debug!(%error, "group member"),
                    // What was fetched before the pause took effect is not for anybody.
                    Some(Ok(_)) | None => {}
                }
            }
        })?;
        let (committed, state) = (Arc::clone(&client), Arc::clone(share));
        let name = format!("kafka-commit-{}", share.topic.name());
        let commits = Commits::new(&name, move |at| state.commit(&committed, at))?;
        Ok(Self {
            commits,
            client,
            ends,
            thread: Some(thread),
        })
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of a consumer group ended with a panic");
        }
    }
}

impl Group {
    /// A client that has not joined.
    pub(super) fn new(
        topic: Topic,
        config: &KafkaConfig,
        link: &Arc<Link>,
        offsets: &Arc<Offsets>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, LogError> {
        let share = Arc::new(Share {
            topic,
            name: config.names.group(topic).to_owned(),
            topic_name: config.names.topic(topic).to_owned(),
            link: Arc::clone(link),
            held: Mutex::default(),
            changed: Condvar::new(),
            offsets: Arc::clone(offsets),
        });
        let member = Member::start(config, &share)?;
        Ok(Self {
            share,
            clock: Arc::clone(clock),
            question: Mutex::default(),
            config: config.clone(),
            member: RwLock::new(Arc::new(member)),
        })
    }

    fn member(&self) -> Arc<Member> {
        Arc::clone(&self.member.read())
    }

    /// Joins the group; partitions follow.
    pub(super) fn join(&self) -> Result<(), LogError> {
        let mut held = self.share.held.lock();
        if held.joined {
            return Ok(());
        }
        self.member()
            .client
            .subscribe(&[&self.share.topic_name])
            .map_err(|error| log_error(&self.share.link, "let a consumer join", &error))?;
        held.joined = true;
        Ok(())
    }

    /// What this process is to read now.
    pub(super) fn assignment(&self) -> Result<Assignment, LogError> {
        let held = self.share.held.lock();
        if let Some(code) = held.failed {
            return Err(super::errors::of_code(
                &self.share.link,
                "let a consumer read",
                code,
            ));
        }
        Ok(Assignment {
            epoch: held.epoch,
            partitions: held.owned.clone(),
        })
    }

    /// Grows with each change of what this process is to read.
    pub(super) fn epoch(&self) -> u64 {
        self.share.held.lock().epoch
    }

    /// Everything read of partitions that are not owned in `epoch` is flushed and committed.
    pub(super) fn released(&self, epoch: u64) {
        let mut held = self.share.held.lock();
        held.released = Some(epoch);
        drop(held);
        self.share.changed.notify_all();
    }

    /// Leaves the group. Its partitions go to others, and nobody here will flush them.
    pub(super) fn leave(&self) {
        let mut held = self.share.held.lock();
        if !std::mem::take(&mut held.joined) {
            return;
        }
        held.released = None;
        drop(held);
        self.share.changed.notify_all();
        let left = match Member::start(&self.config, &self.share) {
            Ok(idle) => std::mem::replace(&mut *self.member.write(), Arc::new(idle)),
            Err(error) => {
                tracing::warn!(topic = %self.share.topic, %error, "partitions stay with a consumer that has ended");
                return;
            }
        };
        // It gives back what it holds meanwhile.
        drop(left);
        let mut held = self.share.held.lock();
        held.epoch += 1;
        held.owned.clear();
        held.committed.clear();
        held.failed = None;
    }

    /// Whether this process has joined and holds a partition.
    pub(super) fn owns(&self, partition: u16) -> bool {
        self.share.held.lock().owned.contains_key(&partition)
    }

    /// How often partitions were given or taken.
    pub(super) fn rebalances(&self) -> u64 {
        self.share.held.lock().rebalances
    }

    /// Where the group stands in a partition, with what the commit says of the record before it.
    pub(super) fn committed(
        &self,
        partition: TopicPartition,
    ) -> Result<(Option<CommittedOffset>, String), LogError> {
        let number = partition.partition.0;
        if let Some(known) = self.share.held.lock().committed.get(&number) {
            return Ok((*known, String::new()));
        }
        let asked = self.clock.monotonic();
        let patience = self.question.lock().patience(&self.share.link, asked)?;
        let result = self.ask_committed(number, patience);
        let now = self.clock.monotonic();
        let mut question = self.question.lock();
        question.answered(&self.share.link, asked, now, &result);
        result
    }

    fn ask_committed(
        &self,
        number: u16,
        patience: Duration,
    ) -> Result<(Option<CommittedOffset>, String), LogError> {
        let told = |error| log_error(&self.share.link, "tell committed offsets", &error);
        let mut wanted = TopicPartitionList::new();
        wanted.add_partition(&self.share.topic_name, i32::from(number));
        let found = self
            .member()
            .client
            .committed_offsets(wanted, patience)
            .map_err(told)?;
        let elements = found.elements();
        let Some(element) = elements.first() else {
            return Ok((None, String::new()));
        };
        element.error().map_err(told)?;
        let committed = match element.offset() {
            KafkaOffset::Offset(at) => u64::try_from(at).ok().map(CommittedOffset),
            _ => None,
        };
        Ok((committed, element.metadata().to_owned()))
    }

    /// Remembers what was found for a partition that this process owns.
    pub(super) fn remember(&self, partition: u16, committed: Option<CommittedOffset>) {
        self.share.remember(partition, committed);
    }

    /// Commits positions of this group. One that is not answered in time may arrive later.
    pub(super) fn commit(&self, positions: &[Position]) -> Result<(), LogError> {
        let member = self.member();
        let ended = member.commits.commit(positions, REQUEST_TIMEOUT);
        ended.unwrap_or_else(|| {
            let tried = self.share.tried_to_commit();
            let code = Code::OperationTimedOut;
            Err(super::errors::of_code(&self.share.link, &tried, code))
        })
    }

    /// Members of the group in all processes.
    pub(super) fn members(&self) -> Result<usize, LogError> {
        let list = self
            .member()
            .client
            .fetch_group_list(Some(&self.share.name), REQUEST_TIMEOUT)
            .map_err(|error| log_error(&self.share.link, "list consumers", &error))?;
        let groups = list.groups().iter();
        Ok(groups.map(|group| group.members().len()).sum())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.share.held.lock().ending = true;
        self.share.changed.notify_all();
    }
}
