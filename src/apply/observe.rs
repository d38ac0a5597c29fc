//! Drives a provider's reading: sends what it asks for, side by side, and hands back the replies.

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::transport::Account;
use crate::model::{Desired, Observed};
use crate::provider::reading::Answer;

/// Reads the wanted objects of one account; one entry per object, in their order.
pub async fn observe(account: &Account, wanted: &[&Desired]) -> Vec<Observed> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut reading = account.provider.reading(wanted);
    let mut under_way = FuturesUnordered::new();
    loop {
        for (ticket, call) in reading.ready() {
            under_way.push(async move {
                let Some(read) = call.as_read() else {
                    let why = format!("{} is no read and was not sent", call.shown());
                    return (ticket, Answer::Lost(why));
                };
                let answer = match account.read(read).await {
                    Ok(reply) => Answer::Reply(reply),
                    Err(lost) => Answer::Lost(lost.text),
                };
                (ticket, answer)
            });
        }
        match under_way.next().await {
            Some((ticket, answer)) => reading.take(ticket, answer),
            None => return reading.finish(),
        }
    }
}
