//! The tree above leaves that are kept elsewhere.

use alloc::vec::Vec;

use alloy_primitives::B256;

use crate::{
    LeafSource, NodeChange, NodeId, Prefix, SmtError, UpdateError, WarmBuckets,
    bucket::{change_hashes, merge, overwrite, read_buckets},
    cache::{Bucket, LeafCache},
    levels::Levels,
    pages::{CROWDED, Pages},
    plan::{Outcome, Plan},
    prefetch::prefetch,
};

/// A key with its new value; `None` or zero deletes it.
pub type Change = (B256, Option<B256>);

/// Leaves for each bucket: more means less memory and more hashing.
pub(crate) const LEAVES_PER_BUCKET: u64 = 2;
/// Nodes of every so many levels are recorded, for proofs of the past.
pub(crate) const RECORDED_LEVELS: u8 = 4;
/// Buckets ahead whose place, and whose leaves, are fetched.
const PLACES_AHEAD: usize = 24;
const LEAVES_AHEAD: usize = 12;

/// What a batch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The new root.
    pub root: B256,
    /// Lowest depth of recorded nodes: a multiple of four, zero for none. Never decreases.
    pub bottom: u8,
    /// The nodes of depth 4, 8, … `bottom` above changed leaves, with their former hashes; sorted.
    pub nodes: Vec<NodeChange>,
}

/// Size of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeStats {
    /// Number of leaves.
    pub leaves: u64,
    /// Bits that all leaves of a bucket share; some buckets have one more.
    pub depth: u8,
    /// Number of buckets.
    pub buckets: u64,
    /// Pages of crowded buckets.
    pub pages: usize,
    /// Leaves held in memory.
    pub cached_leaves: usize,
    /// Bytes of heap: nodes, pages and cached leaves.
    pub memory_bytes: usize,
}

/// Sparse Merkle tree over 256-bit keys. Nodes are in memory, leaves in a [`LeafSource`].
///
/// About 32 bytes of memory per leaf, and the cache of leaves.
#[derive(Debug, Clone)]
pub struct Tree {
    pub(crate) levels: Levels,
    pub(crate) pages: Pages,
    pub(crate) cache: LeafCache,
    pub(crate) leaves: u64,
    pub(crate) bottom: u8,
}

/// Changes that meet in one subtree whose nodes are not kept.
struct Target {
    bucket: NodeId,
    /// The subtree inside a crowded bucket; the bucket itself is then not in the cache.
    terminal: Option<Prefix>,
    /// Its changes end here, and begin where those of the target before end.
    end: usize,
}

impl Target {
    fn prefix(&self) -> Prefix {
        self.terminal
            .unwrap_or_else(|| Prefix::of_node(self.bucket))
    }
}

impl Tree {
    /// The empty tree, with a cache for so many leaves.
    pub fn new(cached_leaves: usize) -> Self {
        Self::with_room(0, 0, cached_leaves)
    }

    /// An empty tree with buckets for `leaves` leaves.
    pub(crate) fn with_room(leaves: u64, bottom: u8, cached_leaves: usize) -> Self {
        let buckets = (leaves / LEAVES_PER_BUCKET).max(2 << bottom);
        let levels = Levels::new(buckets);
        let cache = LeafCache::new(levels.depth(), cached_leaves);
        Self {
            levels,
            pages: Pages::default(),
            cache,
            leaves: 0,
            bottom,
        }
    }

    /// Root hash; zero if the tree is empty.
    pub fn root(&self) -> B256 {
        self.levels.root()
    }

    /// Number of leaves.
    pub const fn len(&self) -> u64 {
        self.leaves
    }

    /// Whether the tree has no leaf.
    pub const fn is_empty(&self) -> bool {
        self.leaves == 0
    }

    /// Lowest depth of recorded nodes, see [`Update::bottom`].
    pub const fn bottom(&self) -> u8 {
        self.bottom
    }

    /// Hash of a node of at most the depth of [`bottom`](Self::bottom).
    pub fn node(&self, node: NodeId) -> B256 {
        self.levels.get(node)
    }

    /// Size of the tree.
    pub fn stats(&self) -> TreeStats {
        TreeStats {
            leaves: self.leaves,
            depth: self.levels.depth(),
            buckets: self.levels.buckets(),
            pages: self.pages.len(),
            cached_leaves: self.cache.leaves(),
            memory_bytes: self.levels.memory_bytes()
                + self.pages.memory_bytes()
                + self.cache.memory_bytes(),
        }
    }

    /// Forgets all cached leaves: the source was changed by other means than the next update.
    pub fn clear_cache(&mut self) {
        self.cache.clear();
    }

    /// Applies a batch. Keys strictly increase; deleting an absent key changes nothing.
    ///
    /// `source` has the leaves as they are before the batch (leaves of the batch's own keys may
    /// already have their new values). Cost: one read per touched bucket that is not cached, and
    /// about `log2(leaves) - log2(batch) + 2` hashes per change.
    ///
    /// # Errors
    /// [`UpdateError::Batch`] with [`SmtError::NotSorted`] and [`UpdateError::Source`]; the root is
    /// then as before.
    pub fn update<S: LeafSource>(
        &mut self,
        changes: &[Change],
        source: &mut S,
    ) -> Result<Update, UpdateError<S::Error>> {
        check_order(changes)?;
        self.grow(changes.len(), source)
            .map_err(UpdateError::Source)?;
        let targets = self.targets(changes.iter().map(|(key, _)| key));
        let mut loose = self.load(&targets, source).map_err(UpdateError::Source)?;
        // From here on nothing fails.
        let hashes = change_hashes(changes);
        let mut plan = Plan::default();
        let mut outcomes = Vec::with_capacity(targets.len());
        let mut start = 0;
        for (position, target) in targets.iter().enumerate() {
            self.fetch_ahead(&targets, position);
            let range = start..target.end;
            start = target.end;
            let (changes, hashes) = (&changes[range.clone()], &hashes[range]);
            outcomes.push(match target.terminal {
                None => self.change_bucket(target.bucket, changes, hashes, &mut plan),
                Some(terminal) => {
                    let bucket = loose.next().expect("every terminal was read");
                    self.change_terminal(terminal, bucket, changes, hashes, &mut plan)
                }
            });
        }
        plan.run();
        Ok(self.settle(&targets, outcomes, &plan))
    }

    /// The buckets of `keys`, which strictly increase, that are not in the cache: what a coming
    /// batch of changes to them would have to read.
    pub fn missing(&self, keys: &[B256]) -> Vec<Prefix> {
        let targets = self.targets(keys.iter());
        let is_missing =
            |target: &&Target| target.terminal.is_none() && self.cache.get(target.bucket).is_none();
        let missing = targets.iter().filter(is_missing);
        missing.map(|target| target.prefix()).collect()
    }

    /// Puts buckets into the cache that were read for [`missing`](Self::missing), unless the tree
    /// has changed its buckets since. Their leaves must be those of the newest root.
    pub fn warm(&mut self, buckets: WarmBuckets) {
        for (prefix, bucket) in buckets.0 {
            let node = self.levels.bucket(prefix.first_key());
            if Prefix::of_node(node) == prefix
                && self.pages.terminal(prefix, prefix.first_key()) == prefix
            {
                self.cache.put(node, bucket);
            }
        }
        self.cache.shrink();
    }

    fn targets<'a>(&self, keys: impl Iterator<Item = &'a B256>) -> Vec<Target> {
        let mut targets: Vec<Target> = Vec::with_capacity(keys.size_hint().0);
        for (position, key) in keys.enumerate() {
            let bucket = self.levels.bucket(key);
            if let Some(last) = targets.last_mut()
                && last.bucket == bucket
                && last.terminal.is_none_or(|terminal| terminal.contains(key))
            {
                last.end = position + 1;
                continue;
            }
            let terminal = (!self.pages.is_empty())
                .then(|| Prefix::of_node(bucket))
                .map(|prefix| (prefix, self.pages.terminal(prefix, key)))
                .and_then(|(prefix, terminal)| (terminal != prefix).then_some(terminal));
            targets.push(Target {
                bucket,
                terminal,
                end: position + 1,
            });
        }
        targets
    }

    /// Reads what is not cached. Buckets go into the cache; leaves of terminals are returned.
    fn load<S: LeafSource>(
        &mut self,
        targets: &[Target],
        source: &mut S,
    ) -> Result<impl Iterator<Item = Bucket> + use<S>, S::Error> {
        let mut missing: Vec<&Target> = Vec::new();
        for (position, target) in targets.iter().enumerate() {
            if let Some(next) = targets.get(position + PLACES_AHEAD)
                && let Some(place) = self.cache.place(next.bucket)
            {
                prefetch(place);
            }
            if target.terminal.is_some() || self.cache.get(target.bucket).is_none() {
                missing.push(target);
            }
        }
        let mut loose = Vec::new();
        if !missing.is_empty() {
            let prefixes: Vec<Prefix> = missing.iter().map(|target| target.prefix()).collect();
            let buckets = read_buckets(&prefixes, source)?;
            for (target, bucket) in missing.into_iter().zip(buckets) {
                match target.terminal {
                    None => self.cache.put(target.bucket, bucket),
                    Some(_) => loose.push(bucket),
                }
            }
        }
        Ok(loose.into_iter())
    }

    fn fetch_ahead(&self, targets: &[Target], position: usize) {
        if let Some(target) = targets.get(position + PLACES_AHEAD)
            && let Some(place) = self.cache.place(target.bucket)
        {
            prefetch(place);
        }
        if let Some(target) = targets.get(position + LEAVES_AHEAD)
            && let Some(bucket) = self.cache.get(target.bucket)
        {
            bucket.iter().take(4).for_each(prefetch);
        }
    }

    fn change_bucket(
        &mut self,
        node: NodeId,
        changes: &[Change],
        hashes: &[B256],
        plan: &mut Plan,
    ) -> Outcome {
        let bucket = self.cache.get_mut(node).expect("the bucket was read");
        if overwrite(bucket, changes, hashes) {
            return Outcome::Planned(plan.add(bucket.iter().map(|leaf| (&leaf.key, leaf.hash))));
        }
        let merged = merge(bucket, changes, hashes);
        self.leaves = self.leaves + merged.len() as u64 - bucket.len() as u64;
        if merged.len() > CROWDED {
            self.cache.remove(node);
            return Outcome::Known(self.pages.build(Prefix::of_node(node), &merged));
        }
        let place = plan.add(merged.iter().map(|leaf| (&leaf.key, leaf.hash)));
        self.cache.put(node, merged.into());
        Outcome::Planned(place)
    }

    /// As [`change_bucket`](Self::change_bucket), and notes the number of leaves with the pages.
    fn change_terminal(
        &mut self,
        terminal: Prefix,
        bucket: Bucket,
        changes: &[Change],
        hashes: &[B256],
        plan: &mut Plan,
    ) -> Outcome {
        let merged = merge(&bucket, changes, hashes);
        self.leaves = self.leaves + merged.len() as u64 - bucket.len() as u64;
        self.pages.set_leaves(terminal, merged.len() as u64);
        if merged.len() > CROWDED {
            return Outcome::Known(self.pages.build(terminal, &merged));
        }
        Outcome::Planned(plan.add(merged.iter().map(|leaf| (&leaf.key, leaf.hash))))
    }

    /// Puts the new hashes in place and computes all nodes above.
    fn settle(&mut self, targets: &[Target], outcomes: Vec<Outcome>, plan: &Plan) -> Update {
        let mut changed: Vec<NodeId> = Vec::with_capacity(targets.len());
        for (target, outcome) in targets.iter().zip(outcomes) {
            let mut hash = outcome.hash(plan);
            if let Some(terminal) = target.terminal {
                let bucket = Prefix::of_node(target.bucket);
                hash = self.pages.update(bucket, terminal, hash);
            }
            self.levels.set(target.bucket, hash);
            if changed.last() != Some(&target.bucket) {
                changed.push(target.bucket);
            }
        }
        for target in targets {
            if let Some(terminal) = target.terminal {
                self.pages.tidy(Prefix::of_node(target.bucket), terminal);
            }
        }
        let bottom = self.bottom;
        let mut nodes = Vec::new();
        let record = |depth| depth > 0 && depth <= bottom && depth % RECORDED_LEVELS == 0;
        self.levels.update(&changed, record, &mut nodes);
        // Levels come from below, each in order: a merge of a few runs.
        nodes.sort_by_key(|change| change.node);
        self.cache.shrink();
        self.raise_bottom();
        Update {
            root: self.root(),
            bottom: self.bottom,
            nodes,
        }
    }
}

fn check_order(changes: &[Change]) -> Result<(), SmtError> {
    match (1..changes.len()).find(|&i| changes[i - 1].0 >= changes[i].0) {
        None => Ok(()),
        Some(position) => Err(SmtError::NotSorted {
            position,
            key: changes[position].0,
        }),
    }
}
