//! More licences, owners and schools, made from a seeded licence, and the manifests that match them.

use super::account::{Account, Guid, License, Owner, UserGroup};
use crate::sandbox::population::OBJECTS_PER_CUSTOMER;

/// The start of the sequence of licence ids; each sequence starts 2^40 after the one before.
const LICENSES: u64 = 1 << 40;
/// The start of the sequence of owner ids.
const OWNERS: u64 = 2 << 40;
/// The start of the sequence of school ids.
const SCHOOLS: u64 = 3 << 40;

/// The members in which populated licences differ.
struct PopulatedLicense {
    id: Guid,
    owner: Guid,
    school: Guid,
    name: String,
    seats: i32,
    email: String,
}

impl PopulatedLicense {
    fn new(index: usize, objects: usize) -> Self {
        let customer = (index % objects.div_ceil(OBJECTS_PER_CUSTOMER)) as u64;
        Self {
            id: Guid::pseudo_random(LICENSES, index as u64),
            owner: Guid::pseudo_random(OWNERS, customer),
            school: Guid::pseudo_random(SCHOOLS, customer),
            name: format!("Licence {}", index + 1),
            // Below 300, so it fits.
            seats: 30 + (index % 250) as i32,
            email: format!("licences@school-{}.example", customer + 1),
        }
    }
}

impl Account {
    /// Adds this many licences, and an owner with a school for every 50 of them.
    pub(super) fn populate(&mut self, objects: usize) {
        for customer in 0..objects.div_ceil(OBJECTS_PER_CUSTOMER) as u64 {
            self.add_customer(customer);
        }
        // All other members are those of a seeded licence.
        let Some(sample) = self.licenses.values().next().cloned() else {
            return;
        };
        let roles: Vec<Guid> = self.roles.keys().copied().collect();
        for index in 0..objects {
            let planted = PopulatedLicense::new(index, objects);
            let license = License {
                id: planted.id,
                license_name: planted.name,
                start_date: DATES[0].parse().ok(),
                end_date: DATES[1].parse().ok(),
                user_group_id: planted.school,
                owner_id: planted.owner,
                available_seats: planted.seats,
                contact_person_name: Some("Mette Holm".into()),
                contact_phone: Some("+45 00 00 00 00".into()),
                contact_email: Some(planted.email),
                buffer: Some(2),
                grade: Some("7-9".into()),
                license_category_id: None,
                allowable_user_roles: roles.iter().copied().take(2).collect(),
                privileged_user_roles: roles.last().copied().into_iter().collect(),
                seat_user_group_ids: Vec::new(),
                is_paused: false,
                ..sample.clone()
            };
            self.licenses.insert(planted.id, license);
        }
    }

    /// Adds an owner and its school.
    fn add_customer(&mut self, customer: u64) {
        let (owner, school) = (
            Guid::pseudo_random(OWNERS, customer),
            Guid::pseudo_random(SCHOOLS, customer),
        );
        let name = format!("School {}", customer + 1);
        self.owners.insert(
            owner,
            Owner {
                id: owner,
                name: name.clone(),
                uvmid: Some(format!("{:06}", 200_001 + customer)),
                user_group_id: school,
                r#type: 2,
                type_name: "Institution".into(),
            },
        );
        self.user_groups.insert(
            school,
            UserGroup {
                id: school,
                name,
                user_group_type: 2,
                user_group_type_name: "Institution".into(),
                institution_number: Some(format!("{:06}", 200_001 + customer)),
                ..UserGroup::default()
            },
        );
    }
}

/// The start and the end of every populated licence.
const DATES: [&str; 2] = ["2026-08-01T00:00:00Z", "2028-07-31T00:00:00Z"];

/// Writes the manifest of the licence at an index; one that `differs` desires ten more seats.
pub fn write_manifest(index: usize, objects: usize, differs: bool) -> String {
    let PopulatedLicense {
        id,
        owner,
        school,
        name,
        seats,
        email,
    } = PopulatedLicense::new(index, objects);
    let seats = seats + if differs { 10 } else { 0 };
    let [start, end] = DATES;
    format!(
        "\
apiVersion: entitle.dev/v1
kind: AlineaLicense
metadata:
  name: licence-{number}
spec:
  licenseId: {id}
  desired:
    LicenseName: {name}
    StartDate: {start}
    EndDate: {end}
    UserGroupId: {school}
    OwnerId: {owner}
    AvailableSeats: {seats}
    ContactPersonName: Mette Holm
    ContactPhone: \"+45 00 00 00 00\"
    ContactEmail: {email}
    Buffer: 2
    Grade: 7-9
    LicenseCategoryId: null
    AllowableUserRoles:
      - 25e1dd03-7185-4dc0-b63e-0df178164e13
      - 2d179f7b-9cdc-4f61-b6b4-2880537b6bc5
    IsPaused: false
    SeatUserGroupIds: []
    PrivilegedUserRoles:
      - a1de26b1-3e0c-47e2-af78-0bf47088a2cd
",
        number = index + 1
    )
}
