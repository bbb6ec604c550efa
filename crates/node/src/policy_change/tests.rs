use label::POLICY_SCHEMA;

use rand_core::OsRng;
use record::NodeKey;

use super::*;

const NOW: &str = "2026-03-10T12:00:00Z";

struct Desk {
    rules: RulesOnRecord,
    node: NodeKey,
}

fn key(name: &str) -> NodeKey {
    NodeKey::generate(name.parse().unwrap(), &mut OsRng)
}

fn nobody() -> Marking {
    Marking::new("RESTRICTED", &[], "KOR")
}

fn signed<T: Noun>(noun: &T, key: &NodeKey) -> Entry {
    Entry::sign(noun, &"KOR".parse().unwrap(), key, NOW.parse().unwrap(), &mut OsRng).unwrap()
}

impl Desk {
    fn new() -> Self {
        Self { rules: RulesOnRecord::new("KOR".parse().unwrap()), node: key("seoul") }
    }

    fn record<T: Noun>(&mut self, noun: &T) -> EntryId {
        let entry = signed(noun, &self.node);
        self.rules.apply(&entry);
        entry.id()
    }

    fn officer(&mut self, key: &NodeKey) {
        let officer = Officer { name: key.name().clone(), key: key.public().to_hex(), marking: nobody() };
        self.record(&officer);
    }

    fn propose(&mut self, text: &str) -> EntryId {
        self.record(&PolicyDocument {
            name: "kor".to_owned(),
            version: 1,
            author: "Kim".to_owned(),
            effective_from: Timestamp::UNIX_EPOCH,
            policy_schema: POLICY_SCHEMA.to_owned(),
            text: text.to_owned(),
            marking: nobody(),
        })
    }

    /// A signature as `officer`, made with `with`.
    fn sign(&mut self, id: EntryId, officer: &NodeKey, with: &NodeKey) {
        let policy_sha256 = self.rules.proposal(&id).unwrap().sha256;
        let approval = PolicyApproval { proposal: id, policy_sha256, marking: nobody() };
        self.record(&PolicySignature {
            proposal: id,
            officer: officer.name().clone(),
            approval: signed(&approval, with).to_envelope(),
            marking: nobody(),
        });
    }

    fn force(&mut self, id: EntryId) {
        let policy_sha256 = self.rules.proposal(&id).unwrap().sha256;
        let signatures = Vec::new();
        self.record(&PolicyApplied { proposal: id, policy_sha256, signatures, marking: nobody() });
    }

    fn in_force(&self) -> Option<String> {
        self.rules.at(NOW.parse().unwrap()).national.path()
    }
}

#[test]
fn it_takes_two_officers() {
    let mut desk = Desk::new();
    let (kim, lee) = (key("kim"), key("lee"));
    desk.officer(&kim);
    desk.officer(&lee);
    let id = desk.propose("permit(principal, action, resource);");
    assert_eq!(desk.rules.may_apply(&id, nobody()), Err(PolicyStepError::TooFew { signed: 0 }));
    desk.sign(id, &kim, &kim);
    let again = PolicyStepError::SignedAlready { officer: "kim".to_owned() };
    assert_eq!(desk.rules.may_sign(&id, &kim.public()), Err(again));
    desk.sign(id, &kim, &kim);
    assert_eq!(desk.rules.may_apply(&id, nobody()), Err(PolicyStepError::TooFew { signed: 1 }));
    // An entry made by hand puts nothing in force.
    desk.force(id);
    assert_eq!(desk.in_force(), None);
    assert!(desk.rules.faults()[0].message.contains("1 of 2"), "{:?}", desk.rules.faults());
    assert_eq!(desk.rules.may_sign(&id, &lee.public()), Ok(lee.name()));
    desk.sign(id, &lee, &lee);
    let applied = desk.rules.may_apply(&id, nobody()).unwrap();
    assert_eq!(applied.signatures.len(), 2);
    desk.record(&applied);
    assert_eq!(desk.in_force().as_deref(), Some("policy/kor/1"));
    assert_eq!(desk.rules.may_apply(&id, nobody()), Err(PolicyStepError::AppliedAlready));
    assert_eq!(desk.rules.may_sign(&id, &lee.public()), Err(PolicyStepError::AppliedAlready));
}

#[test]
fn one_person_is_not_two() {
    let mut desk = Desk::new();
    let (kim, lee, park) = (key("kim"), key("lee"), key("park"));
    desk.officer(&kim);
    desk.officer(&lee);
    let id = desk.propose("permit(principal, action, resource);");
    desk.sign(id, &kim, &kim);
    // Kim signs as Lee; a stranger signs; a name without an officer.
    desk.sign(id, &lee, &kim);
    desk.sign(id, &lee, &park);
    desk.sign(id, &park, &park);
    assert_eq!(desk.rules.proposal(&id).unwrap().signed(), 1);
    assert_eq!(desk.rules.may_sign(&id, &park.public()), Err(PolicyStepError::NoOfficer));
    // Kim under a second name, with the same key.
    let twin = NodeKey::from_secret("kim2".parse().unwrap(), &kim.secret());
    desk.officer(&twin);
    desk.sign(id, &twin, &twin);
    assert_eq!(desk.rules.proposal(&id).unwrap().signed(), 1);
    assert!(matches!(desk.rules.may_sign(&id, &twin.public()), Err(PolicyStepError::SignedAlready { .. })));
    desk.force(id);
    assert_eq!(desk.in_force(), None);
}

#[test]
fn a_signature_holds_for_one_policy_only() {
    let mut desk = Desk::new();
    let (kim, lee) = (key("kim"), key("lee"));
    desk.officer(&kim);
    desk.officer(&lee);
    let harmless = desk.propose("permit(principal, action, resource);");
    let other = desk.propose("forbid(principal, action, resource);");
    let approval = PolicyApproval {
        proposal: harmless,
        policy_sha256: desk.rules.proposal(&harmless).unwrap().sha256,
        marking: nobody(),
    };
    for (proposal, said) in [
        (other, approval.clone()),
        (other, PolicyApproval { proposal: other, ..approval.clone() }),
        (harmless, PolicyApproval { proposal: other, ..approval }),
    ] {
        desk.record(&PolicySignature {
            proposal,
            officer: kim.name().clone(),
            approval: signed(&said, &kim).to_envelope(),
            marking: nobody(),
        });
    }
    assert_eq!(desk.rules.proposal(&other).unwrap().signed(), 0);
    assert_eq!(desk.rules.proposal(&harmless).unwrap().signed(), 0);
    assert_eq!(desk.rules.faults().len(), 3);
}

#[test]
fn what_two_signed_and_nobody_can_read_holds_everything_back() {
    let mut desk = Desk::new();
    let (kim, lee) = (key("kim"), key("lee"));
    desk.officer(&kim);
    desk.officer(&lee);
    let id = desk.propose("permit(");
    desk.sign(id, &kim, &kim);
    desk.sign(id, &lee, &lee);
    desk.force(id);
    let national = desk.rules.at(NOW.parse().unwrap()).national.clone();
    assert_eq!(national, label::National::Unreadable { path: "policy/kor/1".to_owned() });
    assert_eq!(desk.rules.faults().len(), 1);
}

#[test]
fn what_was_overtaken_is_stale() {
    let mut desk = Desk::new();
    let (kim, lee) = (key("kim"), key("lee"));
    desk.officer(&kim);
    desk.officer(&lee);
    let early = desk.propose("permit(principal, action, resource);");
    let other = desk.propose("forbid(principal, action, resource);");
    for officer in [&kim, &lee] {
        desk.sign(early, officer, officer);
        desk.sign(other, officer, officer);
    }
    desk.force(other);
    assert_eq!(desk.rules.may_sign(&early, &kim.public()), Err(PolicyStepError::Stale));
    assert_eq!(desk.rules.may_apply(&early, nobody()), Err(PolicyStepError::Stale));
    // Nor does an entry made by hand bring it back, or the one in force anew.
    let before = desk.in_force();
    desk.force(early);
    desk.force(other);
    assert_eq!(desk.in_force(), before);
    assert_eq!(desk.rules.faults().len(), 2);
    // Proposed anew it can go on.
    let anew = desk.propose("permit(principal, action, resource);");
    assert_eq!(desk.rules.may_sign(&anew, &kim.public()), Ok(kim.name()));
}

#[test]
fn versions_rise() {
    let mut desk = Desk::new();
    let id = desk.propose("");
    let same = desk.rules.proposal(&id).unwrap().rule.policy().unwrap().clone();
    assert!(matches!(desk.rules.may_propose(&same), Err(PolicyStepError::OldVersion { newest: 1, .. })));
    assert_eq!(desk.rules.may_propose(&PolicyDocument { version: 2, ..same.clone() }), Ok(()));
    assert_eq!(desk.rules.may_propose(&PolicyDocument { name: "b".to_owned(), ..same }), Ok(()));
}

#[test]
fn a_table_of_codes_takes_two_officers_too() {
    let mut desk = Desk::new();
    let (kim, lee) = (key("kim"), key("lee"));
    desk.officer(&kim);
    desk.officer(&lee);
    let version = |desk: &Desk, at: &str| desk.rules.at(at.parse().unwrap()).codes.version().to_owned();
    let builtin = version(&desk, NOW);
    let table = |version: &str| CodeTable {
        version: version.to_owned(),
        valid_from: Timestamp::UNIX_EPOCH,
        ..CodeTable::of(label::Codes::builtin(), nobody())
    };
    let id = desk.record(&table("a"));
    let other = desk.record(&table("b"));
    assert_eq!(version(&desk, NOW), builtin, "a table that is only recorded changes nothing");
    desk.sign(id, &kim, &kim);
    desk.force(id);
    assert_eq!(version(&desk, NOW), builtin, "one officer is not enough");
    desk.sign(id, &lee, &lee);
    desk.record(&desk.rules.may_apply(&id, nobody()).unwrap());
    assert_eq!(version(&desk, NOW), "a");
    // What was decided before was decided with the table of its day.
    assert_eq!(version(&desk, "2026-03-10T11:59:59Z"), builtin);
    assert_eq!(desk.rules.may_sign(&other, &kim.public()), Err(PolicyStepError::Stale));
    // A policy does not make a table stale, nor a table a policy.
    let third = desk.record(&table("c"));
    let policy = desk.propose("permit(principal, action, resource);");
    for officer in [&kim, &lee] {
        desk.sign(policy, officer, officer);
        desk.sign(third, officer, officer);
    }
    desk.force(policy);
    desk.force(third);
    assert_eq!((version(&desk, NOW).as_str(), desk.in_force().as_deref()), ("c", Some("policy/kor/1")));
    let proposed: Vec<_> = desk.rules.proposals().map(|(_, p)| (p.rule.path(), p.rule.version())).collect();
    let paths = [("codes/a", 1), ("codes/b", 2), ("codes/c", 3), ("policy/kor/1", 1)];
    assert_eq!(proposed, paths.map(|(path, version)| (path.to_owned(), version)));
}
