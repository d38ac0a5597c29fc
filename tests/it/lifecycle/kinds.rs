//! Every kind whose objects come or go: how manifests ask for it, and how an account tells it.

use entitle::provider;
use serde_json::{Value as Json, json};

use crate::support::bench::{Bench, Object};

/// The organization of the seed.
pub const ORGANIZATION: &str = "0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11";

/// A kind under test.
pub struct Kind {
    pub name: &'static str,
    pub vendor: &'static str,
    pub created: Option<Created>,
    pub removed: Option<Removed>,
    /// How many objects of an account are the one that a manifest names.
    pub count: fn(&Json, &Object) -> usize,
}

/// A kind that can be created.
pub struct Created {
    /// Manifests of objects that the seed does not have, without the permission to create them.
    pub new: fn(usize) -> Object,
    /// A change of such an object, which one write carries out.
    pub change: fn() -> (&'static str, Json),
    /// The number of calls of a creation.
    pub calls: usize,
    /// Whether the vendor refuses a second object of one key. Where it does not, a call that reaches it twice makes two.
    pub refuses_doubles: bool,
}

/// A kind that can be removed.
pub struct Removed {
    /// The manifest of an object of the seed that has things hanging on it; it is to be gone.
    pub gone: fn() -> Object,
    /// What the plan says of these things.
    pub words: &'static [&'static str],
}

pub static ALL: &[&Kind] = &[
    &LICENSE,
    &ORGANIZATIONS,
    &USER_GROUP,
    &LICENSE_ORDER,
    &CUSTOMER,
    &CUSTOMER_ACCOUNT,
    &CUSTOM_FIELD,
    &LICENSE_POLICY,
    &ORDER,
    &PRODUCT_FEATURE,
];

static LICENSE: Kind = Kind {
    name: "CryptlexLicense",
    vendor: "cryptlex",
    created: None,
    removed: Some(Removed {
        gone: || {
            let ids =
                json!({"licenseId": "5d0e3c52-8a44-4b6f-9d0f-6a1f0e9b7a01", "state": "absent"});
            Object::new("CryptlexLicense", "license", ids, json!({}))
        },
        words: &[],
    }),
    count: |account, object| {
        let organizations = account["organizations"].as_array().into_iter().flatten();
        let inside = organizations.flat_map(|one| one["licenses"].as_array().into_iter().flatten());
        let outside = account["licenses"].as_array().into_iter().flatten();
        inside
            .chain(outside)
            .filter(|license| license["id"] == object.ids["licenseId"])
            .count()
    },
};

static ORGANIZATIONS: Kind = Kind {
    name: "CryptlexOrganization",
    vendor: "cryptlex",
    created: Some(Created {
        new: |number| {
            let ids = json!({"organization": {"name": format!("Locks {number}")}});
            let desired =
                json!({"email": format!("it@locks-{number}.example"), "allowedUsers": 20});
            Object::new(
                "CryptlexOrganization",
                &format!("locks-{number}"),
                ids,
                desired,
            )
        },
        change: || ("allowedUsers", json!(25)),
        calls: 4,
        refuses_doubles: true,
    }),
    removed: Some(Removed {
        gone: || {
            let ids = json!({"organization": {"name": "Rivers Inc"}, "state": "absent"});
            Object::new("CryptlexOrganization", "rivers", ids, json!({}))
        },
        words: &["3 users, 4 user groups and", "licenses belong to it"],
    }),
    count: |account, object| {
        let all = account["organizations"].as_array().into_iter().flatten();
        all.filter(|one| one["name"] == object.ids["organization"]["name"])
            .count()
    },
};

static USER_GROUP: Kind = Kind {
    name: "CryptlexUserGroup",
    vendor: "cryptlex",
    created: Some(Created {
        new: |number| {
            let name = format!("Operations {number}");
            let ids = json!({"organizationId": ORGANIZATION, "userGroup": {"name": name}});
            let desired = json!({"description": "On call"});
            Object::new(
                "CryptlexUserGroup",
                &format!("operations-{number}"),
                ids,
                desired,
            )
        },
        change: || ("description", json!("Day and night")),
        calls: 4,
        refuses_doubles: true,
    }),
    removed: Some(Removed {
        gone: || {
            let group = json!({"name": "Support"});
            let ids =
                json!({"organizationId": ORGANIZATION, "userGroup": group, "state": "absent"});
            Object::new("CryptlexUserGroup", "support", ids, json!({}))
        },
        words: &["9 users are in it", "license"],
    }),
    count: |account, object| {
        let organizations = account["organizations"].as_array().into_iter().flatten();
        let groups = organizations
            .filter(|one| one["id"] == object.ids["organizationId"])
            .flat_map(|one| one["userGroups"].as_array().into_iter().flatten());
        groups
            .filter(|group| group["name"] == object.ids["userGroup"]["name"])
            .count()
    },
};

static LICENSE_ORDER: Kind = Kind {
    name: "LacLicenseOrder",
    vendor: "lac",
    created: Some(Created {
        new: |number| {
            let feature = json!({
                "name": "Base", "version": "1.0", "expiration_type": "no_expiration", "issued_type": "not_issued",
                "maintenance_type": "no_maintenance", "count": 25, "enabled": true,
            });
            let desired = json!({
                "product_template_id": 1, "license_type": "network", "licensee_type": "customer",
                "hostid_match_rate": 100, "min_hostids": 1, "activations_allowed": 25, "enabled": true,
                "removal": false, "Hostids": [{"name": "Hostname", "min_amount": 1, "max_amount": 1}],
                "Features": [feature],
            });
            let marker = format!("floating-{number}");
            let ids = json!({"order": {"customer_id": 1, "marker": marker}});
            Object::new("LacLicenseOrder", &marker, ids, desired)
        },
        change: || ("activations_allowed", json!(30)),
        // With two for the product template, which the plan alone reads.
        calls: 10,
        refuses_doubles: false,
    }),
    removed: None,
    count: |account, object| {
        let marker = object.ids["order"]["marker"].as_str();
        let marker = format!("[{}]", marker.unwrap_or_default());
        let orders = account["license_orders"].as_array().into_iter().flatten();
        let descriptions = orders.filter_map(|order| order["description"].as_str());
        descriptions.filter(|text| text.contains(&marker)).count()
    },
};

static CUSTOMER: Kind = Kind {
    name: "LacCustomer",
    vendor: "lac",
    created: Some(Created {
        new: |number| {
            let tag = json!({"tag_name": "custom_tag_1", "value": format!("C-{number}")});
            let desired = json!({"name": format!("Locks {number}"), "city": "Shortport"});
            let name = format!("locks-{number}");
            Object::new("LacCustomer", &name, json!({"customTag": tag}), desired)
        },
        change: || ("city", json!("Longport")),
        calls: 6,
        refuses_doubles: false,
    }),
    removed: None,
    count: |account, object| {
        let tag = &object.ids["customTag"];
        let is_tag = |one: &&Json| {
            ["tag_name", "value"]
                .iter()
                .all(|name| one[*name] == tag[*name])
        };
        let customers = account["customers"].as_array().into_iter().flatten();
        let tags = customers.flat_map(|one| one["CustomTags"].as_array().into_iter().flatten());
        tags.filter(is_tag).count()
    },
};

/// The product of the seed.
const PRODUCT: u64 = 1_584_723_961_091_234;

static CUSTOMER_ACCOUNT: Kind = Kind {
    name: "LicenseSpringCustomerAccount",
    vendor: "licensespring",
    created: Some(Created {
        new: |number| {
            let name = format!("locks-{number}");
            let ids = json!({"customerAccount": {"code": name}});
            let desired = json!({"name": format!("Locks {number}"), "address": "Riva 1, Split"});
            Object::new("LicenseSpringCustomerAccount", &name, ids, desired)
        },
        change: || ("address", json!("Riva 2, Split")),
        calls: 4,
        refuses_doubles: true,
    }),
    removed: Some(Removed {
        gone: || {
            let ids = json!({"customerAccount": {"code": "tc6"}, "state": "absent"});
            Object::new("LicenseSpringCustomerAccount", "tc6", ids, json!({}))
        },
        words: &["2 customers belong to it"],
    }),
    count: |account, object| {
        let accounts = account["customer_accounts"]
            .as_array()
            .into_iter()
            .flatten();
        accounts
            .filter(|one| one["code"] == object.ids["customerAccount"]["code"])
            .count()
    },
};

static CUSTOM_FIELD: Kind = Kind {
    name: "LicenseSpringLicenseCustomField",
    vendor: "licensespring",
    created: Some(Created {
        new: |number| {
            let key =
                json!({"license": 1_593_781_720_493_289_u64, "product_custom_field": 53 + number});
            let ids = json!({"licenseCustomField": key});
            let name = format!("field-{number}");
            Object::new(
                "LicenseSpringLicenseCustomField",
                &name,
                ids,
                json!({"value": "gold"}),
            )
        },
        change: || ("value", json!("platinum")),
        calls: 4,
        refuses_doubles: true,
    }),
    removed: Some(Removed {
        gone: || {
            let key = json!({"license": 1_593_781_720_493_290_u64, "product_custom_field": 52});
            let ids = json!({"licenseCustomField": key, "state": "absent"});
            Object::new("LicenseSpringLicenseCustomField", "gone", ids, json!({}))
        },
        words: &[],
    }),
    count: |account, object| {
        let key = &object.ids["licenseCustomField"];
        let same = |one: &&Json| {
            ["license", "product_custom_field"]
                .iter()
                .all(|name| one[*name] == key[*name])
        };
        let values = account["license_custom_fields"]
            .as_array()
            .into_iter()
            .flatten();
        values.filter(same).count()
    },
};

static LICENSE_POLICY: Kind = Kind {
    name: "LicenseSpringLicensePolicy",
    vendor: "licensespring",
    created: Some(Created {
        new: |number| {
            let name = format!("team-{number}");
            let ids = json!({"licensePolicy": {"code": name, "product": PRODUCT}});
            let desired =
                json!({"name": "Team", "default_license_type": "perpetual", "max_activations": 20});
            Object::new("LicenseSpringLicensePolicy", &name, ids, desired)
        },
        change: || ("max_activations", json!(30)),
        calls: 4,
        refuses_doubles: true,
    }),
    removed: Some(Removed {
        gone: || {
            let key = json!({"code": "team-1y", "product": PRODUCT});
            let ids = json!({"licensePolicy": key, "state": "absent"});
            Object::new("LicenseSpringLicensePolicy", "team-1y", ids, json!({}))
        },
        words: &["1 license has it as its policy"],
    }),
    count: |account, object| {
        let key = &object.ids["licensePolicy"];
        let policies = account["license_templates"]
            .as_array()
            .into_iter()
            .flatten();
        policies
            .filter(|one| one["code"] == key["code"] && one["product"] == key["product"])
            .count()
    },
};

static ORDER: Kind = Kind {
    name: "LicenseSpringOrder",
    vendor: "licensespring",
    created: Some(Created {
        new: |number| {
            let name = format!("ord-{number}");
            let ids = json!({"order": {"store_id": name}});
            let licenses = json!([{"max_activations": 2}]);
            let desired =
                json!({"language": "en", "items": [{"product_code": "mch", "licenses": licenses}]});
            Object::new("LicenseSpringOrder", &name, ids, desired)
        },
        change: || ("language", json!("hr")),
        calls: 4,
        refuses_doubles: true,
    }),
    removed: None,
    count: |account, object| {
        let orders = account["orders"].as_array().into_iter().flatten();
        orders
            .filter(|one| one["store_id"] == object.ids["order"]["store_id"])
            .count()
    },
};

static PRODUCT_FEATURE: Kind = Kind {
    name: "LicenseSpringProductFeature",
    vendor: "licensespring",
    created: Some(Created {
        new: |number| {
            let name = format!("exports-{number}");
            let ids = json!({"productFeature": {"code": name, "product": PRODUCT}});
            let desired =
                json!({"name": "Exports", "feature_type": "consumption", "max_consumption": 20});
            Object::new("LicenseSpringProductFeature", &name, ids, desired)
        },
        change: || ("max_consumption", json!(30)),
        calls: 4,
        refuses_doubles: true,
    }),
    removed: Some(Removed {
        gone: || {
            let key = json!({"code": "f1", "product": PRODUCT});
            let ids = json!({"productFeature": key, "state": "absent"});
            Object::new("LicenseSpringProductFeature", "f1", ids, json!({}))
        },
        words: &["purges it from", "license"],
    }),
    count: |account, object| {
        let key = &object.ids["productFeature"];
        let features = account["product_features"].as_array().into_iter().flatten();
        features
            .filter(|one| one["code"] == key["code"] && one["product"] == key["product"])
            .count()
    },
};

/// Objects of one account that are created together, each with its kind.
pub struct CreatedSet {
    pub name: &'static str,
    pub vendor: &'static str,
    pub parts: Vec<(&'static Kind, Object)>,
    /// Whether the vendor refuses a second object of each key.
    pub refuses_doubles: bool,
}

impl CreatedSet {
    /// How many objects of an account are the one that each manifest names.
    pub fn counts(&self, account: &Json) -> Vec<usize> {
        let parts = self.parts.iter();
        parts
            .map(|(kind, object)| (kind.count)(account, object))
            .collect()
    }

    pub fn objects(&self) -> Vec<Object> {
        self.parts
            .iter()
            .map(|(_, object)| object.clone())
            .collect()
    }
}

/// A set of `most` objects of each kind that can be created, and one of objects that refer to others of the set.
pub fn created_sets(most: usize) -> Vec<CreatedSet> {
    let kinds = ALL.iter().copied();
    let sets = kinds.filter_map(|kind| {
        let created = kind.created.as_ref()?;
        let objects = (0..most).filter_map(|number| kind.permitted(number));
        Some(CreatedSet {
            name: kind.name,
            vendor: kind.vendor,
            parts: objects.map(|object| (kind, object)).collect(),
            refuses_doubles: created.refuses_doubles,
        })
    });
    let dependents = CreatedSet {
        name: "LacCustomer with LacLicenseOrder",
        vendor: "lac",
        parts: (0..most.div_ceil(2))
            .flat_map(customer_with_order)
            .collect(),
        refuses_doubles: false,
    };
    sets.chain([dependents]).collect()
}

/// A customer of LAC that the seed does not have, and an order that refers to it.
pub fn customer_with_order(number: usize) -> [(&'static Kind, Object); 2] {
    let permitted = |kind: &'static Kind| {
        let object = kind.permitted(number).expect("a kind that is created");
        (kind, object)
    };
    let (customer, mut order) = (permitted(&CUSTOMER), permitted(&LICENSE_ORDER));
    let referent = format!("LacCustomer/{}", customer.1.name);
    order.1.ids["order"]["customer_id"] = json!({"ref": referent});
    [customer, order]
}

impl Kind {
    /// A manifest that may create its object.
    pub fn permitted(&self, number: usize) -> Option<Object> {
        let new = self.created.as_ref()?.new;
        Some(new(number).policy(json!({"create": true})))
    }

    /// How many objects of the sandbox are the one that a manifest names.
    pub fn count_in(&self, bench: &Bench, object: &Object) -> usize {
        let account = bench.sandbox.state(self.vendor).expect("a simulator");
        (self.count)(&account, object)
    }
}

#[test]
fn no_kind_that_comes_or_goes_is_forgotten() {
    let known = ALL.iter().map(|kind| {
        let (created, removed) = (kind.created.is_some(), kind.removed.is_some());
        (kind.name, created, removed)
    });
    let there = provider::all_kinds().filter_map(|kind| {
        let table = kind.table();
        let lifecycle = &table.lifecycle;
        let (created, removed) = (lifecycle.create.is_some(), lifecycle.remove.is_some());
        (created || removed).then_some((table.kind.0, created, removed))
    });
    assert_eq!(Vec::from_iter(known), Vec::from_iter(there));
}
