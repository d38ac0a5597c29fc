//! Licences of one organization: the list, and the set of user groups, which is all that can be written here.
//!
//! Page "Update an organization license", checked 2026-11-21.

use jiff::Timestamp;

use super::account::sent_group_ids;
use super::refusal::{Refusal, new_refusal, not_found};
use super::schemas::ORGANIZATION_LICENSE_UPDATE;
use super::{Cryptlex, HttpReply, HttpRequest};

impl Cryptlex {
    /// Answers with one licence; 404 unless the switch `single_get` is on.
    pub(super) fn get_organization_license(
        &self,
        organization: &str,
        id: &str,
    ) -> Result<HttpReply, Refusal> {
        if !self.switches.single_get {
            return Err(new_refusal(
                404,
                "a single licence cannot be read by its path",
            ));
        }
        self.organization_license_reply(organization, id)
    }

    /// Replaces a licence's set of user groups; `[]` clears it.
    pub(super) fn update_organization_license(
        &mut self,
        organization: &str,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &ORGANIZATION_LICENSE_UPDATE)?;
        self.expect_license_of(organization, id)?;
        let groups = sent_group_ids(&body).unwrap_or_default();
        let status = self.switches.unknown_group_status;
        let owner = self.account.organization(organization)?;
        owner.expect_groups(&groups, status)?;
        let license = self.account.license_mut(id)?;
        if self.switches.bump_unchanged || license.groups != groups {
            license.groups = groups;
            license.mark_updated(now);
        }
        self.organization_license_reply(organization, id)
    }

    /// Refuses an organization that is not there, and a licence that is not its own.
    fn expect_license_of(&self, organization: &str, id: &str) -> Result<(), Refusal> {
        let index = self.account.organization_index(organization)?;
        match self.account.license(id)?.organization {
            Some(owner) if owner == index => Ok(()),
            _ => Err(not_found("licence", id)),
        }
    }

    fn organization_license_reply(
        &self,
        organization: &str,
        id: &str,
    ) -> Result<HttpReply, Refusal> {
        self.expect_license_of(organization, id)?;
        let owner = self.account.organization(organization)?;
        let license = self.account.license(id)?;
        let shown = owner.license_view(license, self.switches.group_order);
        Ok(HttpReply::serialized(200, &shown))
    }
}
