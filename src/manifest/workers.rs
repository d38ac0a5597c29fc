//! Work on many things, spread over the cores.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Stack of a worker: without optimisation the deepest tree that the YAML reader lets through needs more
/// than the 2 MiB that a thread has by default.
const STACK: usize = 16 << 20;

/// Things that a worker takes at once, so that small ones are not taken one by one.
const TAKEN: usize = 16;

/// Turns of a worker at least, where there are so few things that the last ones would be waited for.
const TURNS: usize = 8;

/// What `work` makes of every item, in the order of the items.
pub fn map_parallel<I: Sync, R: Send>(items: &[I], work: impl Fn(&I) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let taken = TAKEN.min(items.len() / (cores * TURNS)).max(1);
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let from = next.fetch_add(taken, Ordering::Relaxed);
            let Some(own) = items.get(from..) else {
                return done;
            };
            let own = &own[..own.len().min(taken)];
            if own.is_empty() {
                return done;
            }
            done.push((from, own.iter().map(&work).collect::<Vec<R>>()));
        }
    };
    let workers = cores.min(items.len().div_ceil(taken)).max(1);
    let mut parts: Vec<(usize, Vec<R>)> = std::thread::scope(|scope| {
        let start = || {
            let thread = std::thread::Builder::new().stack_size(STACK);
            thread.spawn_scoped(scope, run)
        };
        let started: Vec<_> = (0..workers).map(|_| start()).collect();
        // A machine that has no thread to spare works here.
        let own = started.iter().all(Result::is_err).then(run);
        let done = started.into_iter().flatten().flat_map(|thread| {
            let done = thread.join();
            // A panic in a worker is a panic here.
            done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        done.chain(own.into_iter().flatten()).collect()
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
