//! A bucket in the memory of one process, for tests. It keeps every guarantee; tests wrap it to break one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::lock_unpoisoned;
use super::objects::{
    BucketError, BucketObject, BucketObjects, ObjectVersion, PutCondition, PutOutcome,
};

/// Returns an empty bucket.
pub fn in_memory() -> Arc<dyn BucketObjects> {
    Arc::new(MemoryObjects::default())
}

/// A bucket whose requests never fail.
#[derive(Default)]
struct MemoryObjects(Mutex<MemoryContent>);

/// The objects, and how often one was put: the next ETag.
#[derive(Default)]
struct MemoryContent {
    objects: BTreeMap<String, BucketObject>,
    puts: u64,
}

impl MemoryObjects {
    fn content(&self) -> MutexGuard<'_, MemoryContent> {
        lock_unpoisoned(&self.0)
    }
}

impl MemoryContent {
    /// Puts an object if the condition holds.
    fn put(&mut self, path: &str, body: &[u8], condition: PutCondition<'_>) -> PutOutcome {
        let present = self.objects.get(path).map(|object| &object.version);
        let holds = match condition {
            PutCondition::Absent => present.is_none(),
            PutCondition::Unchanged(version) => present == Some(version),
        };
        if !holds {
            return PutOutcome::Refused;
        }
        self.puts += 1;
        let version = ObjectVersion {
            e_tag: Some(self.puts.to_string()),
            generation: None,
        };
        let object = BucketObject {
            body: body.to_vec(),
            version: version.clone(),
        };
        self.objects.insert(path.to_string(), object);
        PutOutcome::Done(version)
    }

    /// Returns the paths below a folder in order, each with its part below the folder.
    fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a String, &'a str)> {
        let start = Bound::Excluded(format!("{folder}/"));
        let paths = self.objects.range((start, Bound::Unbounded));
        paths.map_while(move |(path, _)| {
            let relative = path.strip_prefix(folder)?.strip_prefix('/')?;
            Some((path, relative))
        })
    }
}

impl BucketObjects for MemoryObjects {
    fn get<'a>(
        &'a self,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Option<BucketObject>, BucketError>> {
        ready(Ok(self.content().objects.get(path).cloned())).boxed()
    }

    fn put<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        condition: PutCondition<'a>,
    ) -> BoxFuture<'a, Result<PutOutcome, BucketError>> {
        ready(Ok(self.content().put(path, body, condition))).boxed()
    }

    fn list<'a>(
        &'a self,
        folder: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        let content = self.content();
        let paths = content.below(folder).map(|(path, _)| path);
        let paths = paths.filter(|path| after.is_none_or(|after| path.as_str() > after));
        ready(Ok(paths.cloned().collect())).boxed()
    }

    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        let content = self.content();
        let names = content.below(folder);
        let names = names.filter_map(|(_, relative)| Some(relative.split_once('/')?.0.to_string()));
        let names: BTreeSet<String> = names.collect();
        ready(Ok(names.into_iter().collect())).boxed()
    }

    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), BucketError>> {
        self.content().objects.remove(path);
        ready(Ok(())).boxed()
    }
}
