//! Users of an organization and their membership of its user groups.
//!
//! Pages "List all organization users" and "Update an organization user", checked 2026-11-29. Left out: the create
//! call, which carries a password, and the filters `productId` and `lastSeenAt`, which look at what no row shows.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{Organization, mark_updated, sent_group_ids};
use super::organizations::expect_email;
use super::refusal::{Refusal, not_found};
use super::schemas::USER_UPDATE;
use super::switches::MembershipWrite;
use super::{Cryptlex, HttpReply, HttpRequest};

impl Cryptlex {
    /// Sets the members that the body names; the others stay as they are.
    pub(super) fn update_user(
        &mut self,
        organization: &str,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &USER_UPDATE)?;
        expect_email(&body)?;
        let switches = &self.switches;
        let owner = self.account.organization_mut(organization)?;
        let user = owner.users.get(id).ok_or_else(|| not_found("user", id))?;
        let mut next = user.clone();
        if let Some(mut groups) = sent_group_ids(&body) {
            owner.expect_groups(&groups, switches.unknown_group_status)?;
            if switches.membership_write == MembershipWrite::Add {
                groups.extend(next.groups);
            }
            next.groups = groups;
        }
        for (name, value) in body.as_object().into_iter().flatten() {
            if name != "userGroupIds" {
                next.fields.insert(name.clone(), value.clone());
            }
        }
        let same = next.fields == user.fields && next.groups == user.groups;
        if switches.bump_unchanged || !same {
            mark_updated(&mut next.fields, now);
        }
        let before = user.groups.clone();
        owner.count_members(&before, &next.groups);
        if let Some(slot) = owner.users.get_mut(id) {
            *slot = next.clone();
        }
        let shown = owner.user_view(&next, switches.group_order);
        Ok(HttpReply::serialized(200, &shown))
    }
}

impl Organization {
    /// Moves the count of users of each group that one user left or joined.
    fn count_members(&mut self, before: &BTreeSet<String>, after: &BTreeSet<String>) {
        for (id, step) in before
            .difference(after)
            .map(|id| (id, -1))
            .chain(after.difference(before).map(|id| (id, 1)))
        {
            if let Some(count) = self
                .groups
                .get_mut(id)
                .and_then(|it| it.get_mut("totalUsers"))
            {
                *count = json!(count.as_i64().unwrap_or_default() + step);
            }
        }
    }
}

/// Returns the full name of a user, which no call sets.
pub(super) fn full_name(first: &Value, last: &Value) -> String {
    let part = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{} {}", part(first), part(last)).trim().to_owned()
}
