//! One function over many items, on all cores.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Stack of a worker: without optimisation the deepest tree that the YAML reader lets through needs more
/// than the 2 MiB that a thread has by default.
const STACK_BYTES: usize = 16 << 20;

/// Most items that a worker takes at once: small ones are not worth a turn each.
const MAX_CHUNK: usize = 16;

/// Fewest turns of a worker. With fewer, all would wait for the one with the slowest items.
const MIN_TURNS: usize = 8;

/// Returns what `work` makes of every item, in the order of the items.
///
/// Workers take chunks from a common counter. For example 1,000 items on 4 cores are taken 16 at a time, and 100 items
/// 3 at a time. A panic in `work` is a panic here.
pub fn map_parallel<I: Sync, R: Send>(items: &[I], work: impl Fn(&I) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let chunk = MAX_CHUNK.min(items.len() / (cores * MIN_TURNS)).max(1);
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let from = next.fetch_add(chunk, Ordering::Relaxed);
            let Some(left) = items.get(from..) else {
                return done;
            };
            let taken = &left[..left.len().min(chunk)];
            if taken.is_empty() {
                return done;
            }
            done.push((from, taken.iter().map(&work).collect::<Vec<R>>()));
        }
    };
    let workers = cores.min(items.len().div_ceil(chunk)).max(1);
    let mut parts: Vec<(usize, Vec<R>)> = std::thread::scope(|scope| {
        let start = || {
            let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, run)
        };
        let started: Vec<_> = (0..workers).map(|_| start()).collect();
        // Where no thread can be started, the work is done on this one.
        let here = started.iter().all(Result::is_err).then(run);
        let done = started.into_iter().flatten().flat_map(|thread| {
            let done = thread.join();
            done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        done.chain(here.into_iter().flatten()).collect()
    });
    parts.sort_by_key(|(from, _)| *from);
    parts.into_iter().flat_map(|(_, part)| part).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_item_is_worked_on_once_and_in_its_place() {
        for count in [0, 1, 15, 16, 17, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let doubled = super::map_parallel(&items, |item| item * 2);
            assert_eq!(
                doubled,
                items.iter().map(|item| item * 2).collect::<Vec<_>>()
            );
        }
    }
}
