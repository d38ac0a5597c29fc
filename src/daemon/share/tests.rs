use super::*;
use crate::model::Vendor;

fn account(number: usize) -> AccountKey {
    AccountKey {
        vendor: Vendor("lac"),
        base_url: "https://lac.example.com".into(),
        account: format!("customer-{number:03}"),
    }
}

fn accounts(count: usize) -> BTreeSet<AccountKey> {
    (0..count).map(account).collect()
}

fn situation<'a>(
    accounts: &'a BTreeSet<AccountKey>,
    claimed: &'a BTreeSet<AccountKey>,
    id: &'a str,
    live: &'a [LiveReplica],
) -> ShareInput<'a> {
    ShareInput {
        accounts,
        claimed,
        id,
        live,
    }
}

/// Replicas over one store whose leases work as they should, in rounds.
struct World {
    accounts: BTreeSet<AccountKey>,
    /// By id; those that are alive.
    replicas: BTreeMap<String, BTreeSet<AccountKey>>,
    /// The last note of each replica, which may be older than its claims.
    announced: BTreeMap<String, LiveReplica>,
    /// Accounts whose lease a replica holds.
    leased: BTreeSet<AccountKey>,
    moved: usize,
}

impl World {
    fn new(count: usize) -> Self {
        Self {
            accounts: accounts(count),
            replicas: BTreeMap::new(),
            announced: BTreeMap::new(),
            leased: BTreeSet::new(),
            moved: 0,
        }
    }

    fn join(&mut self, id: &str) {
        self.replicas.insert(id.into(), BTreeSet::new());
    }

    /// The leases of the replica expire as well.
    fn die(&mut self, id: &str) {
        let claimed = self.replicas.remove(id).expect("alive");
        self.announced.remove(id);
        self.leased.retain(|account| !claimed.contains(account));
    }

    /// Every replica attends, claims and gives back, one after the other.
    fn round(&mut self) {
        let ids: Vec<String> = self.replicas.keys().cloned().collect();
        for id in ids {
            let mut claimed = self.replicas[&id].clone();
            let before = claimed.clone();
            let names = claimed
                .iter()
                .map(|account| (account_name(account), Timestamp::UNIX_EPOCH));
            let note = ReplicaNote {
                accounts: names.collect(),
                ..ReplicaNote::default()
            };
            self.announced.insert(
                id.clone(),
                LiveReplica {
                    id: id.clone(),
                    note,
                },
            );
            let live: Vec<LiveReplica> = self.announced.values().cloned().collect();
            let accounts = &self.accounts;
            let (most, order) = situation(accounts, &claimed, &id, &live).accounts_to_claim();
            let free: Vec<AccountKey> = order
                .into_iter()
                .filter(|account| !self.leased.contains(account))
                .take(most)
                .collect();
            self.leased.extend(free.iter().cloned());
            claimed.extend(free);
            let surplus =
                situation(accounts, &claimed, &id, &live).accounts_to_release(&BTreeSet::new());
            for account in surplus {
                claimed.remove(&account);
                self.leased.remove(&account);
            }
            self.moved += claimed.symmetric_difference(&before).count();
            self.replicas.insert(id, claimed);
        }
    }

    /// Runs rounds until no claim moves any more, and returns their number. In one of them a replica may do no more
    /// than enter its name in the roster.
    fn settle(&mut self) -> usize {
        let mut still = 0;
        for rounds in 1..20 {
            self.moved = 0;
            self.round();
            still = if self.moved == 0 { still + 1 } else { 0 };
            if still == 2 {
                return rounds - still;
            }
        }
        panic!("it never comes to rest: {:?}", self.shares());
    }

    fn shares(&self) -> Vec<usize> {
        self.replicas.values().map(BTreeSet::len).collect()
    }
}

#[test]
fn accounts_are_shared_out_evenly_whoever_comes_and_goes() {
    for count in [0, 1, 3, 5, 200, 201] {
        let mut world = World::new(count);
        for (joined, id) in ["a", "b", "c", "d"].into_iter().enumerate() {
            world.join(id);
            let rounds = world.settle();
            assert!(rounds <= 3, "{rounds} rounds");
            let shares = world.shares();
            assert_eq!(shares.iter().sum::<usize>(), count, "nothing is left over");
            let fair = count.div_ceil(joined + 1);
            assert!(shares.iter().all(|share| *share <= fair), "{shares:?}");
            assert!(shares.iter().all(|share| *share + 1 >= fair), "{shares:?}");
        }
        world.die("b");
        assert!(world.settle() <= 2);
        assert_eq!(world.shares().iter().sum::<usize>(), count);
    }
}

#[test]
fn nothing_moves_without_need() {
    let mut world = World::new(200);
    for id in ["a", "b", "c", "d"] {
        world.join(id);
    }
    world.settle();
    assert_eq!(world.shares(), [50; 4]);
    let before = world.replicas.clone();
    world.die("b");
    world.settle();
    for id in ["a", "c", "d"] {
        assert!(before[id].is_subset(&world.replicas[id]), "{id} lost some");
    }
    let before = world.replicas.clone();
    world.join("e");
    world.settle();
    assert_eq!(world.shares(), [50; 4]);
    for id in ["a", "c", "d"] {
        assert!(
            world.replicas[id].is_subset(&before[id]),
            "{id} got other ones"
        );
    }
}

#[test]
fn replicas_that_start_together_begin_at_different_accounts() {
    let all = accounts(8);
    let live: Vec<LiveReplica> = ["a", "b", "c", "d"]
        .map(|id| LiveReplica {
            id: id.into(),
            note: ReplicaNote::default(),
        })
        .into();
    let mut tried = BTreeSet::new();
    for replica in &live {
        let claimed = BTreeSet::new();
        let situation = situation(&all, &claimed, &replica.id, &live);
        let (most, order) = situation.accounts_to_claim();
        assert_eq!((most, order.len()), (2, 8), "the others come after");
        tried.extend(order.into_iter().take(most));
    }
    assert_eq!(tried, all);
}

#[test]
fn what_is_idle_is_given_back_first_and_what_no_manifest_names_always() {
    let all = accounts(4);
    let claimed: BTreeSet<AccountKey> = [0, 1, 2, 9].map(account).into();
    let live = ["a", "b"].map(|id| LiveReplica {
        id: id.into(),
        note: ReplicaNote::default(),
    });
    let situation = situation(&all, &claimed, "a", &live);
    let surplus = |busy: &[usize]| {
        let busy = busy.iter().copied().map(account).collect();
        situation.accounts_to_release(&busy)
    };
    assert_eq!(surplus(&[]), [2, 9].map(account).into());
    assert_eq!(surplus(&[2, 1]), [0, 9].map(account).into());
    assert_eq!(surplus(&[0, 1, 2]), [0, 9].map(account).into());
}

#[test]
fn a_note_comes_back_as_it_was_and_another_groups_is_nobodys() {
    let expected = LiveReplica {
        id: "a".into(),
        note: ReplicaNote {
            name: "pod-1".into(),
            group: "sync x".into(),
            accounts: [(account_name(&account(1)), Timestamp::UNIX_EPOCH)].into(),
        },
    };
    let written = expected.to_entry();
    assert_eq!(LiveReplica::from_entry(&written, "sync x"), Some(expected));
    assert_eq!(LiveReplica::from_entry(&written, "observe x"), None);
    // A later version may write more members.
    let later = RosterEntry {
        id: "b".into(),
        note: r#"{"group": "sync x", "load": 7}"#.into(),
    };
    let read = LiveReplica::from_entry(&later, "sync x").expect("read");
    assert_eq!((read.id.as_str(), read.note.accounts.len()), ("b", 0));
    let other = RosterEntry {
        note: "?".into(),
        ..later
    };
    assert_eq!(LiveReplica::from_entry(&other, "sync x"), None);
}

#[test]
fn what_another_replica_says_it_has_is_not_tried() {
    let all = accounts(4);
    let mut live = ["a", "b"].map(|id| LiveReplica {
        id: id.into(),
        note: ReplicaNote::default(),
    });
    let names = [0, 2].map(|number| (account_name(&account(number)), Timestamp::UNIX_EPOCH));
    live[1].note.accounts = names.into();
    let claimed = BTreeSet::new();
    let situation = situation(&all, &claimed, "a", &live);
    assert_eq!(
        situation.accounts_to_claim(),
        (2, [1, 3].map(account).into())
    );
}
