//! A bucket in the memory of one process, for tests: it keeps every promise, and whoever wants to see one broken puts
//! something before it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::objects::{Condition, Fault, Object, Objects, Put, Version};

/// Returns an empty bucket.
pub fn in_memory() -> Arc<dyn Objects> {
    Arc::new(InMemory::default())
}

#[derive(Default)]
struct InMemory(Mutex<Content>);

#[derive(Default)]
struct Content {
    objects: BTreeMap<String, Object>,
    puts: u64,
}

impl InMemory {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn put(&mut self, path: &str, body: &[u8], condition: Condition<'_>) -> Put {
        let there = self.objects.get(path).map(|object| &object.version);
        let holds = match condition {
            Condition::Absent => there.is_none(),
            Condition::Is(version) => there == Some(version),
        };
        if !holds {
            return Put::Refused;
        }
        self.puts += 1;
        let version = Version {
            e_tag: Some(self.puts.to_string()),
            generation: None,
        };
        let object = Object {
            body: body.to_vec(),
            version: version.clone(),
        };
        self.objects.insert(path.to_string(), object);
        Put::Done(version)
    }

    /// The paths below a folder, in order, without the folder itself.
    fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a String, &'a str)> {
        let start = Bound::Excluded(format!("{folder}/"));
        let paths = self.objects.range((start, Bound::Unbounded));
        paths.map_while(move |(path, _)| {
            let rest = path.strip_prefix(folder)?.strip_prefix('/')?;
            Some((path, rest))
        })
    }
}

impl Objects for InMemory {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Object>, Fault>> {
        ready(Ok(self.content().objects.get(path).cloned())).boxed()
    }

    fn put<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        condition: Condition<'a>,
    ) -> BoxFuture<'a, Result<Put, Fault>> {
        ready(Ok(self.content().put(path, body, condition))).boxed()
    }

    fn list<'a>(
        &'a self,
        folder: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, Fault>> {
        let content = self.content();
        let paths = content.below(folder).map(|(path, _)| path);
        let paths = paths.filter(|path| after.is_none_or(|after| path.as_str() > after));
        ready(Ok(paths.cloned().collect())).boxed()
    }

    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, Fault>> {
        let content = self.content();
        let names = content.below(folder);
        let names = names.filter_map(|(_, rest)| Some(rest.split_once('/')?.0.to_string()));
        let names: BTreeSet<String> = names.collect();
        ready(Ok(names.into_iter().collect())).boxed()
    }

    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        self.content().objects.remove(path);
        ready(Ok(())).boxed()
    }
}
