//! Requests of people: checks them against what is known, and carries them out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use crate::apply::memory::{RecentWrite, object_keys};
use crate::daemon::actions::{
    ActionError, Approval, LookTarget, PageAction, PageSuspension, check_suspension,
};
use crate::daemon::mode::RunMode;
use crate::daemon::object_details::ObjectDetails;
use crate::daemon::tracked_object::{Now, TrackedObject};
use crate::daemon::trigger::Trigger;
use crate::model::{Address, PolicyMode};
use crate::provider;
use crate::reconcile::account_of;
use crate::reconcile::descent::DescentFinder;

impl Engine {
    /// Returns the tracked object of an address, as it is printed. `Err` if the manifests in force do not name it, or if
    /// another replica looks after it.
    pub fn find_object(&self, address: &str) -> Result<&TrackedObject, ActionError> {
        let unknown = || ActionError::UnknownObject(address.to_string());
        let key = parse_address(address).ok_or_else(unknown)?;
        match self.objects.get(&key) {
            Some(tracked) if self.is_own(&tracked.desired.connection) => Ok(tracked),
            Some(_) => Err(ActionError::Elsewhere),
            None if self.outlined.contains_key(&key) => Err(ActionError::Elsewhere),
            None => Err(unknown()),
        }
    }

    /// Returns the details of an object. The caller reads its history.
    pub fn object_details(&self, address: &str, now: Now) -> Result<ObjectDetails, ActionError> {
        let unknown = || ActionError::UnknownObject(address.to_string());
        let tracked = self.find_object(address)?;
        let checked = self.checked.as_ref().ok_or_else(unknown)?;
        let desired = &tracked.desired;
        let connection: &str = &desired.connection;
        let known = checked.connections.get(connection).ok_or_else(unknown)?;
        Ok(ObjectDetails {
            account: known.account_key(),
            keys: object_keys(desired, &account_of(checked, connection)),
            descent: DescentFinder::new(checked).find_fields(desired, |_| true),
            contested: tracked.history(now).contested,
            desired: Arc::clone(desired),
            history: Ok(Vec::new()),
            authors: BTreeMap::new(),
            last_edit: None,
        })
    }

    /// Reports whether a write in the journal was of an object of the manifests in force, by the same name.
    pub fn is_of_manifests(&self, write: &RecentWrite) -> bool {
        let Ok(tracked) = self.find_object(&write.address) else {
            return false;
        };
        let desired = &tracked.desired;
        self.checked.as_ref().is_some_and(|checked| {
            object_keys(desired, &account_of(checked, &desired.connection)).contains(&write.key)
        })
    }

    /// Checks that a request can be carried out as things are.
    pub fn check_action(&self, request: &PageAction, now: Now) -> Result<(), ActionError> {
        match request {
            PageAction::Look(LookTarget::Object(address)) => self.find_object(address).map(|_| ()),
            PageAction::Look(LookTarget::Connection(name)) => {
                let checked = self.checked.as_ref();
                let known = checked.is_some_and(|checked| checked.connections.contains_key(name));
                match (known, self.is_own(name)) {
                    (true, true) => Ok(()),
                    (true, false) => Err(ActionError::Elsewhere),
                    (false, _) => Err(ActionError::UnknownConnection(name.clone())),
                }
            }
            PageAction::Suspend {
                address,
                reason,
                until,
            } => {
                let tracked = self.find_object(address)?;
                check_suspension(reason, *until, now.time)?;
                match tracked.desired.policy.mode_at(now.time) {
                    PolicyMode::Suspend => Err(ActionError::SuspendedInManifest(address.clone())),
                    PolicyMode::Enforce | PolicyMode::Observe => Ok(()),
                }
            }
            PageAction::Resume { address } => {
                let tracked = self.find_object(address)?;
                let by_manifest = tracked.desired.policy.mode_at(now.time) == PolicyMode::Suspend;
                match (&tracked.suspension, by_manifest) {
                    (Some(_), _) => Ok(()),
                    (None, true) => Err(ActionError::SuspendedInManifest(address.clone())),
                    (None, false) => Err(ActionError::NotSuspended),
                }
            }
            PageAction::Approve { address, digest } => self.check_approval(address, digest),
        }
    }

    /// Checks that the change with this digest is the one that is held back, and not approved yet.
    fn check_approval(&self, address: &str, digest: &str) -> Result<(), ActionError> {
        let tracked = self.find_object(address)?;
        if self.rules.mode == RunMode::Observe {
            return Err(ActionError::ObserveOnly);
        }
        let pending = tracked.status.pending.as_ref();
        let Some(pending) = pending.filter(|pending| pending.needs_approval) else {
            return Err(ActionError::NothingHeld);
        };
        if pending.digest != digest {
            return Err(ActionError::Moved);
        }
        match &tracked.approval {
            Some(given) if given.digest == digest => Err(ActionError::Approved),
            Some(_) | None => Ok(()),
        }
    }

    /// Carries out a request of `by`. `Err` if things have moved so that it cannot be.
    pub fn carry_out_action(
        &mut self,
        request: PageAction,
        by: &str,
        now: Now,
    ) -> Result<(), ActionError> {
        self.check_action(&request, now)?;
        match request {
            PageAction::Look(LookTarget::Object(address)) => self.wake_object(&address, now),
            PageAction::Look(LookTarget::Connection(name)) => {
                self.wake_for(&Trigger::Connection(name), now);
            }
            PageAction::Suspend {
                address,
                reason,
                until,
            } => {
                let suspension = PageSuspension {
                    reason,
                    until,
                    by: by.to_string(),
                };
                self.change_object(&address, |tracked| tracked.suspend(suspension));
                self.wake_object(&address, now);
            }
            PageAction::Resume { address } => {
                self.change_object(&address, TrackedObject::resume);
                self.wake_object(&address, now);
            }
            PageAction::Approve { address, digest } => {
                let approval = Approval {
                    digest,
                    by: by.to_string(),
                };
                self.change_object(&address, |tracked| {
                    tracked.approval = Some(Box::new(approval))
                });
                self.wake_object(&address, now);
            }
        }
        Ok(())
    }

    fn change_object(&mut self, address: &str, change: impl FnOnce(&mut TrackedObject)) {
        let Ok(tracked) = self.find_object(address) else {
            return;
        };
        let key = tracked.desired.address.clone();
        if let Some(tracked) = self.objects.get_mut(&key) {
            change(tracked);
        }
    }

    fn wake_object(&mut self, address: &str, now: Now) {
        let Ok(tracked) = self.find_object(address) else {
            return;
        };
        let key = tracked.desired.address.clone();
        if let Some((key, _)) = self.objects.get_key_value(&key) {
            self.queue.wake(key, now.instant, "asked for on the page");
        }
    }
}

/// Reads an address as it is printed; `None` if there is no such kind.
fn parse_address(text: &str) -> Option<Address> {
    let (kind, name) = text.split_once('/')?;
    Some(Address {
        kind: provider::find_kind(kind)?.table().kind,
        name: name.to_string(),
    })
}
